"""Copies uPlot, which draws the graphs of the live pages, from its npm package into the pages' folder.

`python scripts/vendor_uplot.py` copies, `--check` only compares and exits 1 if a file differs. npm installs exactly
what the lock names: it refuses a package whose hash differs from it.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "reports" / "page" / "uplot"
LOCK = ("package.json", "package-lock.json")
FILES = ("dist/uPlot.iife.min.js", "dist/uPlot.min.css", "LICENSE")
INSTALL = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")
NPM_SECONDS = 120


def differences(package: Path, folder: Path) -> list[str]:
    """The files of the folder that are not those of the package."""
    return [
        Path(file).name
        for file in FILES
        if not (copy := folder / Path(file).name).exists() or copy.read_bytes() != (package / file).read_bytes()
    ]


def install(workspace: Path) -> Path:
    """Install what the lock names; returns the package's folder."""
    for name in LOCK:
        shutil.copy(FOLDER / name, workspace)
    program = shutil.which(INSTALL[0])
    if program is None:
        sys.exit("npm is not installed; it fetches the package that the lock names")
    installed = subprocess.run([program, *INSTALL[1:]], cwd=workspace, timeout=NPM_SECONDS, check=False)
    if installed.returncode:
        sys.exit(f"npm could not install what {FOLDER / LOCK[1]} names")
    return workspace / "node_modules" / "uplot"


def main() -> None:
    """Copy, or with `--check` compare."""
    with tempfile.TemporaryDirectory() as workspace:
        package = install(Path(workspace))
        differing = differences(package, FOLDER)
        if "--check" in sys.argv[1:]:
            sys.exit(f"not as the lock has them: {', '.join(differing)}" if differing else 0)
        for file in FILES:
            shutil.copy(package / file, FOLDER / Path(file).name)
        print(f"copied: {', '.join(differing) or 'nothing; all files are as the lock has them'}")


if __name__ == "__main__":
    main()

"""Removes from a virtual environment what an image never runs: `python slim_venv.py FOLDER`.

That is: the tools that build packages, Google's discovery documents beyond Drive, botocore's services beyond S3 and
STS, lexers beyond Python, test folders, stubs and C sources. Needs the standard library only; the packages of the
environment are read, not imported.
"""

import re
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

BUILD = frozenset({"editables", "hatchling", "pip", "setuptools"})
"""Distributions that only build or install others."""
DISCOVERY = "googleapiclient/discovery_cache/documents"
DISCOVERED = frozenset({"drive.v3.json"})
BOTOCORE = "botocore/data"
SERVICES = frozenset({"s3", "sts"})
"""The services whose clients are made; files beside their folders describe regions and retries."""
LEXERS = "pygments/lexers"
HIGHLIGHTED = frozenset({"__init__.py", "_mapping.py", "python.py", "special.py"})
"""What tracebacks are coloured by; nothing else is highlighted."""
FOLDERS = frozenset({"test", "tests"})
SUFFIXES = frozenset({".c", ".h", ".pxd", ".pyi", ".pyx"})


def removable(site: Path) -> Iterator[Path]:
    """The files and folders of a site-packages folder that nothing reads at run time."""
    for distribution in unneeded(list(distributions(path=[str(site)]))):
        for file in distribution.files or ():
            yield Path(str(distribution.locate_file(file if ".." in file.parts else file.parts[0])))
    yield from (file for file in (site / DISCOVERY).glob("*") if file.name not in DISCOVERED)
    yield from (file for file in (site / BOTOCORE).glob("*/") if file.name not in SERVICES)
    yield from (site / BOTOCORE).glob("*/*/examples-1.json*")
    yield from (file for file in (site / LEXERS).glob("*.py") if file.name not in HIGHLIGHTED)
    for path in site.rglob("*"):
        if (path.name in FOLDERS and path.is_dir()) or (path.suffix in SUFFIXES and path.is_file()):
            yield path


def unneeded(installed: list[Distribution]) -> list[Distribution]:
    """The tools that build, and what only they require; markers are ignored, which keeps rather too much."""
    required = {_name(each.metadata["Name"]): set(map(_name, each.requires or ())) for each in installed}
    gone = set(BUILD)
    while found := {name for name in required if name not in gone and _only_by(name, required, gone)}:
        gone |= found
    return [each for each in installed if _name(each.metadata["Name"]) in gone]


def _only_by(name: str, required: dict[str, set[str]], gone: set[str]) -> bool:
    users = {user for user, names in required.items() if name in names}
    return bool(users) and users <= gone


def _name(requirement: str) -> str:
    """The normalized name at the start of a requirement."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    return re.sub(r"[-_.]+", "-", found[0]).lower() if found else ""


def main() -> None:
    """Slim the environment that the command line names."""
    for site in Path(sys.argv[1]).glob("lib/python3*/site-packages"):
        for path in sorted(removable(site)):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()

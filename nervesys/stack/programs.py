"""Finds the programs of the stack, and fetches those of the distribution that the machine lacks.

Fetched packages are unpacked into a folder of ours: nothing is installed, no service starts, and no root is needed.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nervesys.errors import NervesysError
from nervesys.settings import Place

PACKAGES = ("prometheus", "prometheus-alertmanager")
"""What is fetched, by the names that Debian and Ubuntu give them."""
INSTALL = f"sudo apt-get install --no-install-recommends {' '.join(PACKAGES)}"
TEMPLATES = b"/usr/share/prometheus/alertmanager", b"usr//share/prometheus/alertmanager"
"""Where the distribution's Alertmanager looks for its templates, and the same, as long, from where it is started."""
EXTRA = "pip install 'nervesys-observability[stack]'"
TIMEOUT_SECONDS = 300


class ProgramMissing(NervesysError):
    """A program is neither on this machine nor to be had."""


@dataclass(frozen=True)
class Program:
    """One program.

    Attributes:
        names: of its file; distributions rename some.
        packaged: whether it is among `PACKAGES`.
        remedy: the one thing to do where it is missing and cannot be fetched.
    """

    names: tuple[str, ...]
    packaged: bool
    remedy: str


PROGRAMS = {
    "prometheus": Program(("prometheus",), True, INSTALL),
    "promtool": Program(("promtool",), True, INSTALL),
    "alertmanager": Program(("alertmanager", "prometheus-alertmanager"), True, INSTALL),
    "amtool": Program(("amtool",), True, INSTALL),
    "rclone": Program(("rclone",), False, EXTRA),
    "supervisord": Program(("supervisord",), False, EXTRA),
    "grafana": Program(("grafana",), False, "install Grafana and put `grafana` on PATH"),
}


def find(name: str, folder: Path | None = None) -> Path:
    """Where a program is; it is fetched where it is nowhere and the distribution has it.

    Args:
        name: a key of `PROGRAMS`.
        folder: where fetched programs lie; None for `programs/` of NERVESYS_HOME.

    Raises:
        ProgramMissing: with the one command that mends it.
    """
    folder = folder or Place.of(os.environ).home / "programs"
    program = PROGRAMS[name]
    found = look(name, folder)
    if found is None and program.packaged:
        unpack(folder, "download", *PACKAGES)
        found = look(name, folder)
    if found is None:
        raise ProgramMissing(f"find {name}: not on this machine; type: {program.remedy}")
    return found


def look(name: str, folder: Path) -> Path | None:
    """Where a program is without fetching: on PATH, beside the interpreter, or among those fetched before."""
    where = os.pathsep.join(
        (os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent), str(_unpacked(folder) / "usr/bin"))
    )
    found = next(filter(None, (shutil.which(file, path=where) for file in PROGRAMS[name].names)), None)
    return Path(found) if found else None


def _unpacked(folder: Path) -> Path:
    return folder / "debian"


def unpack(folder: Path, *command: str) -> Path:
    """What apt-get downloads by a command, unpacked once, whoever else tries at the same time.

    Args:
        folder: of ours, for this command alone.
        command: such as `download PACKAGE`.

    Returns:
        The root of what was unpacked.

    Raises:
        ProgramMissing: it cannot be had.
    """
    with _locked(folder):
        if not _unpacked(folder).exists():
            with tempfile.TemporaryDirectory(dir=folder, prefix="fetch-") as scratch:
                _unpack(Path(scratch), command)
                (Path(scratch) / "root").rename(_unpacked(folder))
    return _unpacked(folder)


def root_of(program: Path) -> Path:
    """The folder to start a program from, so that a fetched one finds what was unpacked with it."""
    return program.parent.parent.parent


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _unpack(scratch: Path, command: tuple[str, ...]) -> None:
    """Download with package lists of our own, so that a plain user and a machine without lists can do it too."""
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
    for package in scratch.rglob("*.deb"):
        _run(["dpkg-deb", "-x", str(package), str(scratch / "root")], scratch)
    # Its path of the templates is fixed when it is built; nothing lies there, and only root could change that.
    alertmanager = scratch / "root/usr/bin/prometheus-alertmanager"
    if alertmanager.exists():
        alertmanager.write_bytes(alertmanager.read_bytes().replace(*TEMPLATES))


def _run(argv: list[str], folder: Path) -> None:
    what = f"{argv[0]} {' '.join(word for word in argv[1:] if not word.startswith('-'))}"
    try:
        subprocess.run(argv, cwd=folder, check=True, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    except FileNotFoundError:
        raise ProgramMissing(f"{what}: no {argv[0]} here; put {', '.join(PACKAGES)} on PATH yourself") from None
    except subprocess.TimeoutExpired:
        raise ProgramMissing(f"{what}: no end after {TIMEOUT_SECONDS} s; type: {INSTALL}") from None
    except subprocess.CalledProcessError as err:
        said = (err.stderr or "").strip().splitlines() or [f"exit code {err.returncode}"]
        raise ProgramMissing(f"{what}: {said[-1]}; type: {INSTALL}") from None

"""Has generated files checked by the programs that read them, before they replace the files that are there."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from nervesys.errors import NervesysError
from nervesys.stack.programs import find_installed

RULES, ALERTMANAGER = "prometheus/rules/nervesys.yml", "alertmanager/alertmanager.yml"
READERS = {RULES: ("promtool", "check", "rules"), ALERTMANAGER: ("amtool", "check-config")}
"""The command that checks each file of the folder of provisioning."""
SECONDS = 60


def check_by_readers(files: Mapping[str, str], programs: Path) -> list[str]:
    """Check generated files by the programs that read them.

    Args:
        files: text by relative path.
        programs: folder of downloaded programs.

    Returns:
        The programs that are not on this machine, so that nothing was checked by them.

    Raises:
        NervesysError: a program refuses its file; with its message.
    """
    missing = []
    with TemporaryDirectory(prefix="nervesys-build-") as folder:
        for name, (program, *arguments) in READERS.items():
            if name not in files:
                continue
            path = find_installed(program, programs)
            if path is None:
                missing.append(program)
                continue
            file = Path(folder) / Path(name).name
            file.write_text(files[name])
            _check(name, [str(path), *arguments, str(file)], program)
    return missing


def _check(name: str, command: list[str], program: str) -> None:
    try:
        ran = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as err:
        raise NervesysError(f"check {name}: {program}: {err}") from err
    if ran.returncode:
        text = " ".join(f"{ran.stdout}\n{ran.stderr}".replace(command[-1], name).split())
        raise NervesysError(f"check {name}: {program} refuses it, and no file was replaced: {text[-600:]}")

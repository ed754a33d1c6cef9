"""The files that hold secrets: there, readable by their owner alone, and holding one line without odd characters."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from commands.diagnosis.finding import DoctorFinding, fail, ok, warn
from nervesys.plural import count

SUBJECT = "secrets"
BOM = b"\xef\xbb\xbf"
OTHERS = 0o077
LIMIT_BYTES = 100_000


@dataclass(frozen=True)
class SecretFile:
    """What is known of one file.

    Attributes:
        path: as configured.
        mode: permission bits; None where the mode is not checked, because another user must read the file too.
        body: its content; None where it cannot be read.
        problem: why it cannot be read.
        multiline: whether it may hold several lines, as a key in JSON or PEM does.
    """

    path: Path
    mode: int | None
    body: bytes | None
    problem: str = ""
    multiline: bool = False


def read_secret_file(path: Path, *, check_mode: bool = True, multiline: bool = False) -> SecretFile:
    """Read a file of secrets; errors become part of the result."""
    try:
        mode = path.stat().st_mode & 0o777 if check_mode else None
        with path.open("rb") as file:
            return SecretFile(path, mode, file.read(LIMIT_BYTES), multiline=multiline)
    except OSError as err:
        return SecretFile(path, None, None, err.strerror or "cannot be read")


def judge_secret(file: SecretFile) -> Iterator[DoctorFinding]:
    """The faults of one file; its content is never part of a finding."""
    path, body = file.path, file.body
    if body is None:
        yield fail(SUBJECT, f"{path}: {file.problem}", "create it, readable by the user that runs this program")
        return
    if file.mode is not None and file.mode & OTHERS:
        yield warn(SUBJECT, f"{path} has mode {file.mode:04o} and lets other users read it", f"type: chmod 600 {path}")
    if not body.strip():
        yield fail(SUBJECT, f"{path} is empty", "put the secret into it")
    elif body.startswith(BOM):
        yield fail(SUBJECT, f"{path} begins with a byte order mark", "save it as UTF-8 without BOM")
    elif body.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in body:
        yield fail(SUBJECT, f"{path} is not text in UTF-8", "save it as UTF-8 without BOM")
    elif not file.multiline and b"\n" in body.strip():
        yield fail(SUBJECT, f"{path} holds more than one line", "keep the secret alone, in one line")
    elif not file.multiline and body.removesuffix(b"\n") != body.strip():  # every reader strips an editor's line break
        remedy = f'type: printf %s "$(cat {path})" > {path}'
        yield warn(SUBJECT, f"{path} begins or ends with white space, which some programs send", remedy)


def check_secrets(files: Iterable[SecretFile]) -> Iterator[DoctorFinding]:
    """Judge all files."""
    files = list(files)
    faults = [finding for file in files for finding in judge_secret(file)]
    yield from faults
    if not faults:
        text = f"{count(len(files), 'file')} present, not empty, and readable by their owner alone"
        yield ok(SUBJECT, text if files else "no file of secrets is in NERVESYS_HOME or named by a variable")

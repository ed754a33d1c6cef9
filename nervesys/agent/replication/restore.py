"""Restores a full backup into an empty folder: the brain's configuration, and the objects of the store as files.

    FOLDER/brain/config/…   usable as a brain: `NERVESYS_BRAIN=FOLDER/brain`
    FOLDER/store/KEY        the objects, each at its key; databases among them

A backup may be damaged or malicious: a member with a path outside of these, or that is not a regular file, is rejected.
"""

import gzip
import hashlib
import shutil
import sqlite3
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile
from typing import IO

from nervesys.agent.replication.backup import CONFIGURATION, STORE, SUMS, parse_sums
from nervesys.contract.paths import SEALED
from nervesys.errors import BadObject, BrainUnavailable, NervesysError, Reason, SettingsError
from nervesys.plural import count
from nervesys.settings import FolderTree, load
from nervesys.stores.encryption import decrypt
from nervesys.stores.objects import too_large
from nervesys.stores.trees import check_configured

BRAIN = "brain"
SQLITE = b"SQLite format 3\0"
READ_BYTES = 1 << 16
MAX_SUMS_BYTES = 64 << 20
"""Largest list of checksums, some 500 000 files; it is kept in memory."""
MAX_READ_BYTES = 16 << 20
"""Largest single read, of a header: tar allows headers of any size, and packed ones of gigabytes are small."""
PROGRESS_EVERY_FILES = 1000
"""Number of files between two progress messages."""

Progress = Callable[[str], None]


@dataclass
class RestoredBackup:
    """Result of a restore.

    Attributes:
        folder: that was restored into.
        files: their names in the backup.
        bytes: their total size.
        sums: the expected SHA-256 by name.
    """

    folder: Path
    files: list[str] = field(default_factory=list)
    bytes: int = 0
    sums: dict[str, str] = field(default_factory=dict)

    def path(self, name: str) -> Path:
        """Path of a restored file, by its name in the backup."""
        return self.folder / (f"{BRAIN}/{name}" if name.startswith(CONFIGURATION) else name)


class _BoundedGzip(gzip.GzipFile):
    """Refuses a large single read, which tarfile makes for a large header only."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= MAX_READ_BYTES:
            raise too_large("a header of the backup", MAX_READ_BYTES)
        return super().read(size)


def check_empty(folder: Path) -> None:
    """Reject a folder that is not empty, so that nothing is ever overwritten.

    Raises:
        NervesysError: it is not empty, or not a folder.
    """
    try:
        first = next(folder.iterdir(), None)
    except FileNotFoundError:
        return
    except NotADirectoryError:
        raise NervesysError(f"restore into {folder}: it is not a folder") from None
    if first is not None:
        raise NervesysError(
            f"restore into {folder}: it is not empty ({first.name}); name an empty folder, or a new one"
        )


def restore(body: IO[bytes], folder: Path, progress: Progress) -> RestoredBackup:
    """Unpack a backup into an empty folder, which is created if missing.

    Raises:
        NervesysError: the folder is not empty, or the disk is full.
        BadObject: the backup is damaged, or contains an invalid member.
    """
    check_empty(folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    restored = RestoredBackup(folder)
    with (
        _translate_errors(),
        _BoundedGzip(fileobj=body, mode="rb") as unpacked,
        tarfile.open(fileobj=unpacked, mode="r:") as tar,
    ):
        for member in tar:
            regular = member.isreg() and not member.issparse()  # a sparse one of terabytes is a few bytes in a backup
            stream = tar.extractfile(member) if regular else None  # never follows a link
            if stream is None:
                raise BadObject(Reason.BAD_VALUE, f"{member.name[:200]!r} is not a regular file")
            if member.name == SUMS:
                if member.size > MAX_SUMS_BYTES:
                    raise too_large(SUMS, MAX_SUMS_BYTES)
                restored.sums = parse_sums(stream.read())
                continue
            _write(restored, member, stream)
            if len(restored.files) % PROGRESS_EVERY_FILES == 0:
                progress(f"{count(len(restored.files), 'file')} so far")
        while unpacked.read(READ_BYTES):
            pass  # reads to the end, for gzip's checksum is verified there
    return restored


def _write(restored: RestoredBackup, member: tarfile.TarInfo, stream: IO[bytes]) -> None:
    path = restored.path(_checked_name(member.name))
    if member.size > shutil.disk_usage(restored.folder).free:
        raise NervesysError(f"restore {member.name}: no room for its {member.size} bytes in {restored.folder}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        shutil.copyfileobj(stream, file)
    restored.files.append(member.name)
    restored.bytes += member.size


def _checked_name(name: str) -> str:
    """Validate a member's name: below a known prefix, and without `..`."""
    parts = PurePosixPath(name).parts
    if not name.startswith((CONFIGURATION, STORE)) or ".." in parts or str(PurePosixPath(name)) != name or "\0" in name:
        raise BadObject(Reason.BAD_KEY, f"{name[:200]!r} is not a valid name in a backup")
    return name


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Translate the exceptions of a damaged archive into `NervesysError`."""
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error) as err:
        raise BadObject(Reason.BAD_GZIP, f"the backup is damaged: {type(err).__name__}") from err
    except FileExistsError as err:
        raise BadObject(Reason.BAD_KEY, f"the backup contains a file twice: {Path(err.filename).name}") from err
    except OSError as err:
        if err.errno is None:  # gzip's own, such as BadGzipFile
            raise BadObject(Reason.BAD_GZIP, "the backup is damaged: it is not gzip") from err
        raise NervesysError(f"restore: {err.strerror}") from err


def find_problems(restored: RestoredBackup) -> Iterator[str]:
    """Verify restored files by reading them again from the disk; yields a message for each problem."""
    if not restored.sums:
        yield "the backup contains no checksums; it is truncated, or was made by an earlier release"
    for name in sorted(restored.sums.keys() - set(restored.files)):
        yield f"{name} is missing"
    for name in restored.files:
        with restored.path(name).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if restored.sums and restored.sums.get(name) != digest:
            yield f"{name} does not match its checksum"
        try:
            if not _is_intact_database(restored.path(name)):
                yield f"{name} is a damaged database"
        except BadObject as bad:
            yield f"{name} cannot be decrypted: {bad.detail}"
    brain = FolderTree(restored.folder / BRAIN)
    try:
        check_configured(brain, "the backup")
        load(brain)
    except BrainUnavailable as err:
        yield str(err)
    except SettingsError as err:
        yield f"the brain's configuration is wrong: {err.mistakes[0]}"


def _is_intact_database(path: Path) -> bool:
    """Whether SQLite finds no problem; also true for a file that is not an SQLite database.

    Raises:
        BadObject: it is encrypted, and cannot be decrypted.
    """
    if path.name.endswith(SEALED):
        with NamedTemporaryFile(dir=path.parent) as plain, path.open("rb") as file:
            decrypt(file, plain, path.name)
            plain.flush()
            return _is_intact_database(Path(plain.name))
    with path.open("rb") as file:
        if file.read(len(SQLITE)) != SQLITE:
            return True
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
            return bool(db.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",))
    except sqlite3.DatabaseError:
        return False

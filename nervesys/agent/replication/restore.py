"""Brings a full backup back into an empty folder: the brain's configuration, and the objects of the store as files.

    FOLDER/brain/config/…   names a brain: `NERVESYS_BRAIN=FOLDER/brain`
    FOLDER/store/KEY        the objects, each at its key; databases among them

A backup may be damaged, or somebody's trap: what would lie elsewhere, or is no plain file, is refused.
"""

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

from nervesys.agent.replication.backup import CONFIGURATION, STORE, SUMS, parsed_sums
from nervesys.contract.paths import SEALED
from nervesys.errors import BadObject, NervesysError, Reason, SettingsError
from nervesys.settings import FolderTree, load
from nervesys.stores.sealing import unseal

BRAIN = "brain"
SQLITE = b"SQLite format 3\0"
READ_BYTES = 1 << 16
TOLD_EACH = 1000
"""Files between two words about how far it is."""

Say = Callable[[str], None]


@dataclass
class Restored:
    """What was brought back.

    Attributes:
        folder: that it lies in.
        files: as they are called in the backup.
        bytes: their size.
        sums: the SHA-256 of each file that should be there.
    """

    folder: Path
    files: list[str] = field(default_factory=list)
    bytes: int = 0
    sums: dict[str, str] = field(default_factory=dict)

    def path(self, name: str) -> Path:
        """Where a file of the backup lies now."""
        return self.folder / (f"{BRAIN}/{name}" if name.startswith(CONFIGURATION) else name)


def check_empty(folder: Path) -> None:
    """Refuse a folder that holds anything, so that nothing is ever overwritten.

    Raises:
        NervesysError: it is not empty, or no folder.
    """
    try:
        holds = next(folder.iterdir(), None)
    except FileNotFoundError:
        return
    except NotADirectoryError:
        raise NervesysError(f"restore into {folder}: it is no folder") from None
    if holds is not None:
        raise NervesysError(
            f"restore into {folder}: it is not empty ({holds.name}); name an empty folder, or a new one"
        )


def restore(body: IO[bytes], folder: Path, say: Say) -> Restored:
    """Unpack a backup into an empty folder, which is made where it is missing.

    Raises:
        NervesysError: the folder is not empty, or has no room.
        BadObject: the backup is damaged, or holds what no backup does.
    """
    check_empty(folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    restored = Restored(folder)
    with _readable(), tarfile.open(fileobj=body, mode="r:gz") as tar:
        for member in tar:
            stream = tar.extractfile(member) if member.isreg() else None  # a link is not even looked up
            if stream is None:
                raise BadObject(Reason.BAD_VALUE, f"{member.name[:200]!r} is no plain file")
            if member.name == SUMS:
                restored.sums = parsed_sums(stream.read())
                continue
            _write(restored, member, stream)
            if len(restored.files) % TOLD_EACH == 0:
                say(f"{len(restored.files)} files so far")
        assert tar.fileobj is not None, "it was opened"
        while tar.fileobj.read(READ_BYTES):
            pass  # what follows the last file ends in gzip's own checksum
    return restored


def _write(restored: Restored, member: tarfile.TarInfo, stream: IO[bytes]) -> None:
    path = restored.path(_clean(member.name))
    if member.size > shutil.disk_usage(restored.folder).free:
        raise NervesysError(f"restore {member.name}: no room for its {member.size} bytes in {restored.folder}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        shutil.copyfileobj(stream, file)
    restored.files.append(member.name)
    restored.bytes += member.size


def _clean(name: str) -> str:
    """A name that leads to its place and nowhere else."""
    parts = PurePosixPath(name).parts
    if not name.startswith((CONFIGURATION, STORE)) or ".." in parts or str(PurePosixPath(name)) != name or "\0" in name:
        raise BadObject(Reason.BAD_KEY, f"{name[:200]!r} belongs to no backup")
    return name


@contextmanager
def _readable() -> Iterator[None]:
    """Turn what a damaged archive raises into our tree."""
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error) as err:
        raise BadObject(Reason.BAD_GZIP, f"the backup is damaged: {type(err).__name__}") from err
    except FileExistsError as err:
        raise BadObject(Reason.BAD_KEY, f"the backup holds a file twice: {Path(err.filename).name}") from err
    except OSError as err:
        if err.errno is None:  # gzip's own, such as BadGzipFile
            raise BadObject(Reason.BAD_GZIP, "the backup is damaged: no gzip") from err
        raise NervesysError(f"restore: {err.strerror}") from err


def troubles(restored: Restored) -> Iterator[str]:
    """What is wrong with what was brought back, read again from the disk; nothing where all is well."""
    if not restored.sums:
        yield "the backup holds no checksums; it was cut short, or made by an earlier release"
    for name in sorted(restored.sums.keys() - set(restored.files)):
        yield f"{name} is missing"
    for name in restored.files:
        with restored.path(name).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if restored.sums and restored.sums.get(name) != found:
            yield f"{name} is not what was backed up"
        try:
            if not _whole_database(restored.path(name)):
                yield f"{name} is a damaged database"
        except BadObject as bad:
            yield f"{name} cannot be opened: {bad.detail}"
    try:
        load(FolderTree(restored.folder / BRAIN))
    except SettingsError as err:
        yield f"the brain's configuration is wrong: {err.mistakes[0]}"


def _whole_database(path: Path) -> bool:
    """Whether SQLite finds nothing wrong; what is no database of SQLite's is nobody's to judge.

    Raises:
        BadObject: it is sealed, and cannot be opened.
    """
    if path.name.endswith(SEALED):
        with NamedTemporaryFile(dir=path.parent) as plain, path.open("rb") as file:
            unseal(file, plain, path.name)
            plain.flush()
            return _whole_database(Path(plain.name))
    with path.open("rb") as file:
        if file.read(len(SQLITE)) != SQLITE:
            return True
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
            return bool(db.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",))
    except sqlite3.DatabaseError:
        return False

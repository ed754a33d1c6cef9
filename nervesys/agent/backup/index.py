"""Reads and checks the file of a full backup, before anything is written.

A backup may be damaged or malicious: a member with a path outside of the known folders, or that is not a regular file,
is rejected, and what is kept in memory is bounded.
"""

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from pydantic_core import from_json

from nervesys.agent.backup.full import HEADER, MAX_TABLE_BYTES, MODIFIED, PACKS
from nervesys.agent.backup.items import checked_name
from nervesys.agent.replication.backup import SUMS, parse_sums
from nervesys.errors import BadObject, NervesysError, Reason
from nervesys.stores.objects import too_large
from nervesys.stores.packing import ZstdError

READ_BYTES = 1 << 16
MAX_READ_BYTES = 16 << 20
"""Largest single read, of a header: tar allows headers of any size, and packed ones of gigabytes are small."""
TABLES = (HEADER, PACKS, MODIFIED, SUMS)
MAX_TIME = float(1 << 33)
"""Largest time of a file, in Unix seconds: in the year 2242."""


@dataclass
class BackupIndex:
    """What a backup lists.

    Attributes:
        sums: SHA-256 of each file, by its name.
        inline: names of the files within the backup itself, with their sizes; all others are in packs.
        packs: stored sizes of packs, by their path in the archive.
        modified: times of files, Unix seconds, by name.
        header: values that a restore needs.
        problems: what is damaged.
    """

    sums: dict[str, str] = field(default_factory=dict)
    inline: dict[str, int] = field(default_factory=dict)
    packs: dict[str, int] = field(default_factory=dict)
    modified: dict[str, float] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def packed(self) -> dict[str, list[str]]:
        """Names of files in packs, by the SHA-256 of their content."""
        names: dict[str, list[str]] = {}
        for name, sha in self.sums.items():
            if name not in self.inline and name not in TABLES:
                names.setdefault(sha, []).append(name)
        return names


class BoundedReader:
    """Refuses a large single read, which tarfile makes for a large header only."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int | None = -1) -> bytes:
        """Read at most some bytes."""
        if size is None or not 0 <= size <= MAX_READ_BYTES:
            raise too_large("a header of the backup", MAX_READ_BYTES)
        return self._stream.read(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def open_tar(unpacked: IO[bytes]) -> Iterator[tarfile.TarFile]:
    """Open a tar of a backup; errors of a damaged one, and of the disk, are raised as `NervesysError`."""
    try:
        with tarfile.open(fileobj=cast("IO[bytes]", BoundedReader(unpacked)), mode="r:") as tar:
            yield tar
    except (tarfile.TarError, EOFError, zlib.error, ZstdError) as err:
        raise BadObject(Reason.BAD_GZIP, f"the backup is damaged: {type(err).__name__}") from err
    except OSError as err:
        if err.errno is None:  # gzip's own, such as BadGzipFile
            raise BadObject(Reason.BAD_GZIP, "the backup is damaged: it is not gzip") from err
        raise NervesysError(f"restore: {err.strerror}") from err


def members(tar: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    """The regular files of a tar, with their contents.

    Raises:
        BadObject: a member is something else.
    """
    for member in tar:
        regular = member.isreg() and not member.issparse()  # a sparse one of terabytes is a few bytes in a backup
        stream = tar.extractfile(member) if regular else None  # never follows a link
        if stream is None:
            raise BadObject(Reason.BAD_VALUE, f"{member.name[:200]!r} is not a regular file")
        yield member, stream


def read_index(body: IO[bytes]) -> BackupIndex:
    """Read a backup to its end, and compare everything in it with its checksums.

    Args:
        body: the backup, decrypted.

    Raises:
        BadObject: it is damaged, or has an invalid member.
    """
    index, digests, tables = BackupIndex(), dict[str, str](), dict[str, bytes]()
    with gzip.GzipFile(fileobj=body, mode="rb") as unpacked, open_tar(cast("IO[bytes]", unpacked)) as tar:
        for member, stream in members(tar):
            if member.name in digests:
                raise BadObject(Reason.BAD_KEY, f"the backup contains a file twice: {member.name}")
            if member.name in TABLES:
                if member.size > MAX_TABLE_BYTES:
                    raise too_large(member.name, MAX_TABLE_BYTES)
                tables[member.name] = stream.read()
                digests[member.name] = hashlib.sha256(tables[member.name]).hexdigest()
                continue
            index.inline[checked_name(member.name)] = member.size
            digests[member.name] = hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]  # it is readable
        while unpacked.read(READ_BYTES):
            pass  # reads to the end, for gzip's checksum is verified there
    _fill(index, tables)
    index.problems += _problems(index, digests)
    return index


def _fill(index: BackupIndex, tables: dict[str, bytes]) -> None:
    index.sums = {name: sum_ for name, sum_ in parse_sums(tables.get(SUMS, b"")).items() if name != SUMS}
    for name in index.sums:
        if name not in TABLES:
            checked_name(name)
    try:
        index.header = dict(from_json(tables.get(HEADER, b"{}")))  # unlike json.loads, it limits the nesting
        index.packs = {path: int(size) for path, size in parse_sums(tables.get(PACKS, b"")).items()}
        times = {name: float(time) for name, time in parse_sums(tables.get(MODIFIED, b"")).items()}
        index.modified = {name: time for name, time in times.items() if 0 < time < MAX_TIME}
        index.header["missing"] = dict(index.header.get("missing") or {})
    except (TypeError, ValueError) as err:
        raise BadObject(Reason.BAD_VALUE, f"a table of the backup is damaged: {err}") from err


def _problems(index: BackupIndex, digests: dict[str, str]) -> Iterator[str]:
    if not index.sums:
        yield "the backup contains no checksums; it is truncated, or was made by an earlier release"
        return
    for name, digest in digests.items():
        if name != SUMS and index.sums.get(name) != digest:
            yield f"{name} does not match its checksum"
    if not index.packs:
        yield from (f"{name} is missing" for name in sorted(index.sums.keys() - digests.keys()))


def checked_folder(folder: str) -> Path:
    """Validate a relative folder of a header.

    Raises:
        BadObject: it is absolute, or leaves the target.
    """
    path = PurePosixPath(folder)
    if path.is_absolute() or ".." in path.parts or not folder or "\0" in folder:
        raise BadObject(Reason.BAD_KEY, f"{folder[:200]!r} is not a valid folder")
    return Path(folder)

"""The manifest of a full backup: sizes, counts, and which packs it needs. Written last, never encrypted.

It holds no names of files, only hashes, so that every host can find out which packs are needed, without an identity.
"""

import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from tempfile import SpooledTemporaryFile
from typing import IO, cast

from pydantic import TypeAdapter, ValidationError, with_config
from pydantic_core import from_json

from nervesys.agent.backup.packs import Pack
from nervesys.errors import BadObject, Reason
from nervesys.stores.archive import Archive, put_verified
from nervesys.stores.lines import lines_of

SPOOL_BYTES = 4 << 20
MAX_BYTES = 4 << 30
"""Largest manifest, unpacked; it is read line by line."""
VERSION = 1
REQUIRED = {"parts", "new", "packs"}
"""Fields of each manifest that was written: one without them, and with the defaults below, would need no packs."""


@with_config(extra="forbid")
@dataclass(frozen=True)
class PartSize:
    """What a part holds.

    Attributes:
        files: their number.
        bytes: their total size.
    """

    files: int = 0
    bytes: int = 0

    def plus(self, size: int) -> "PartSize":
        """With one more file."""
        return PartSize(self.files + 1, self.bytes + size)


@with_config(extra="forbid")
@dataclass(frozen=True)
class BackupManifest:
    """The first line of a manifest.

    Attributes:
        path: of the backup in the archive.
        created_at: Unix seconds.
        by: host that made it.
        parts: what is contained.
        missing: why a part is not contained, by part.
        new: contents that no earlier backup had.
        sparse: packs of which little is used; the next backup stores what it needs of them again.
        packs: number of packs; their lines follow.
        version: of the format.
    """

    path: str
    created_at: float
    by: str
    parts: dict[str, PartSize] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    new: PartSize = PartSize()
    sparse: tuple[str, ...] = ()
    packs: int = 0
    version: int = VERSION

    @property
    def files(self) -> int:
        """Number of files."""
        return sum(part.files for part in self.parts.values())

    @property
    def bytes(self) -> int:
        """Total size of the files."""
        return sum(part.bytes for part in self.parts.values())


def write_manifest(archive: Archive, path: str, manifest: BackupManifest, packs: Iterable[Pack]) -> None:
    """Put a manifest into the archive, and read it back.

    Raises:
        ArchiveUnavailable: it cannot be stored.
    """
    with SpooledTemporaryFile(max_size=SPOOL_BYTES) as body:
        with gzip.GzipFile(fileobj=body, mode="wb", mtime=0) as out:
            out.write(json.dumps(asdict(manifest)).encode() + b"\n")
            for pack in packs:
                out.write(json.dumps(asdict(pack)).encode() + b"\n")
        put_verified(archive, path, cast("IO[bytes]", body))


def read_manifest(archive: Archive, path: str) -> BackupManifest:
    """The first line of a manifest.

    Raises:
        BadObject: there is none, or it is damaged.
        ArchiveUnavailable: the archive does not respond.
    """
    with archive.open(path) as body:
        return _header(next(lines_of(body, path, max_bytes=MAX_BYTES), b""), path)


def read_packs(archive: Archive, path: str) -> Iterator[Pack]:
    """The packs that a backup needs.

    Raises:
        BadObject: the manifest is damaged.
        ArchiveUnavailable: the archive does not respond.
    """
    with archive.open(path) as body:
        lines = lines_of(body, path, max_bytes=MAX_BYTES)
        expected, number = _header(next(lines, b""), path).packs, 0
        for line in lines:
            number += 1
            yield _pack(line, path)
        if number != expected:
            raise BadObject(Reason.BAD_VALUE, f"{path}: {number} packs of {expected}; it is truncated")


_MANIFEST, _PACK = TypeAdapter(BackupManifest), TypeAdapter(Pack)


def _header(line: bytes, path: str) -> BackupManifest:
    try:
        manifest = _MANIFEST.validate_json(line, strict=True)
    except ValidationError as err:
        raise BadObject(Reason.BAD_VALUE, f"{path}: not a manifest of a backup") from err
    if missing := REQUIRED - from_json(line).keys():
        raise BadObject(Reason.BAD_VALUE, f"{path}: a manifest without {', '.join(sorted(missing))}")
    return manifest


def _pack(line: bytes, path: str) -> Pack:
    try:
        return _PACK.validate_json(line, strict=True)
    except ValidationError as err:
        raise BadObject(Reason.BAD_VALUE, f"{path}: a pack of it is damaged") from err

"""Finished exposition text: joined and compressed once a refresh, sent many times.

A `Snapshot` is immutable and swapped by one assignment: a scrape sends bytes that are there and meets no lock.

Its compressed form is kept as deflate blocks that end on a byte and are not the last (RFC 1951, 3.2.3): such blocks may
be put one after another, so that text which did not change need not be compressed again. Header and trailer make one
gzip member of them (RFC 1952), for browsers and curl read no second member.
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

GZIP_LEVEL = 6
"""Level 9, prometheus_client's, costs five times as much for 3 % fewer bytes."""

_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_LAST_BLOCK = b"\x03\x00"


Packed = tuple[bytes, bytes]
"""A text, and its deflate blocks."""


def pack(plain: bytes) -> Packed:
    """A text with its deflate blocks, to which others may be added, before and after."""
    packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return plain, packer.compress(plain) + packer.flush(zlib.Z_SYNC_FLUSH) if plain else b""


@dataclass(frozen=True)
class Snapshot:
    """Finished exposition text.

    Attributes:
        plain: the text.
        blocks: its deflate blocks.
        series: how many series it holds, where that was counted.
    """

    plain: bytes
    blocks: bytes
    series: int = 0

    @classmethod
    def of(cls, plain: bytes, series: int = 0) -> "Snapshot":
        """The snapshot of a text; compresses it."""
        return cls(*pack(plain), series)

    @classmethod
    def packed(cls, parts: Sequence[Packed], series: int) -> "Snapshot":
        """The snapshot of texts that are compressed already."""
        plain, blocks = zip(*parts, strict=True) if parts else ((), ())
        return cls(b"".join(plain), b"".join(blocks), series)

    @classmethod
    def joined(cls, parts: Sequence["Snapshot"]) -> "Snapshot":
        """Several snapshots as one; a family stands in only one of them."""
        return cls.packed([(part.plain, part.blocks) for part in parts], sum(part.series for part in parts))

    @cached_property
    def gzipped(self) -> bytes:
        """The text as one gzip member; made when it is first asked for."""
        checksum, size = zlib.crc32(self.plain), len(self.plain) & 0xFFFFFFFF
        return b"".join((_HEADER, self.blocks, _LAST_BLOCK, struct.pack("<II", checksum, size)))


EMPTY = Snapshot.of(b"")

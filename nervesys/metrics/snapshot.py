"""Finished exposition text: joined and compressed once a refresh, sent many times.

A `Snapshot` is immutable and swapped by one assignment: a scrape sends bytes that are there and meets no lock.

Its compressed form is kept as deflate blocks that end on a byte and are not the last (RFC 1951, 3.2.3): such blocks may
be put one after another, so that text which did not change need not be compressed again. Header and trailer make one
gzip member of them (RFC 1952), for browsers and curl read no second member.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Finished exposition text.

    Attributes:
        plain: the text.
        gzipped: the same as one gzip member.
        blocks: its deflate blocks, to be joined with others'.
        series: how many series it holds, where that was counted.
    """

    plain: bytes
    gzipped: bytes
    blocks: bytes
    series: int = 0

    @classmethod
    def of(cls, plain: bytes, series: int = 0) -> "Snapshot":
        """The snapshot of a text; compresses it."""
        return cls.packed([pack(plain)], series)

    @classmethod
    def packed(cls, parts: Sequence[Packed], series: int) -> "Snapshot":
        """The snapshot of texts, each with its deflate blocks."""
        plain = b"".join(text for text, _ in parts)
        blocks = b"".join(packed for _, packed in parts)
        trailer = zlib.crc32(plain).to_bytes(4, "little") + (len(plain) & 0xFFFFFFFF).to_bytes(4, "little")
        return cls(plain, b"".join((_HEADER, blocks, _LAST_BLOCK, trailer)), blocks, series)

    @classmethod
    def joined(cls, parts: Sequence["Snapshot"]) -> "Snapshot":
        """Several snapshots as one; a family stands in only one of them."""
        return cls.packed([(part.plain, part.blocks) for part in parts], sum(part.series for part in parts))


EMPTY = Snapshot.of(b"")

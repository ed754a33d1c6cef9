"""Reads the lines of a log object as a stream."""

from collections.abc import Iterator
from typing import IO

from nervesys.errors import BadObject, Reason
from nervesys.stores.packing import open_unpacked

MAX_BYTES = 256 << 20
"""Of one log object, unpacked."""
MAX_LINE_BYTES = 1 << 20
READ_BYTES = 1 << 16
"""Size of the blocks that are split into lines; fits the processor's cache."""


def lines_of(stream: IO[bytes], key: str, *, max_bytes: int | None = None) -> Iterator[bytes]:
    """The lines of a log object, unpacked as its key says; only one of them is in memory.

    Args:
        stream: the object.
        key: its end names the packing.
        max_bytes: unpacked; `MAX_BYTES` where None.

    Raises:
        BadObject: `bad_gzip` or `bad_zstd` if it is truncated or in another format, `too_large` beyond the limits.
    """
    limit = left = MAX_BYTES if max_bytes is None else max_bytes
    with open_unpacked(stream, key) as content:
        while line := content.readline(MAX_LINE_BYTES + 1):
            left -= len(line)
            if len(line) > MAX_LINE_BYTES or left < 0:
                raise _too_large(key, limit)
            yield line


def batches_of(stream: IO[bytes], key: str, *, max_bytes: int) -> Iterator[list[bytes]]:
    """The same lines in batches of some hundred, without line ends: faster for a year of logs.

    Args:
        stream: the object.
        key: its end names the packing.
        max_bytes: unpacked.

    Raises:
        BadObject: as `lines_of`.
    """
    left, rest = max_bytes, b""
    with open_unpacked(stream, key) as content:
        while piece := content.read(READ_BYTES):
            left -= len(piece)
            *lines, rest = (rest + piece).split(b"\n")
            if left < 0 or max(map(len, (rest, *lines[:1]))) > MAX_LINE_BYTES:
                raise _too_large(key, max_bytes)
            yield lines
    if rest:
        yield [rest]


def _too_large(key: str, limit: int) -> BadObject:
    return BadObject(Reason.TOO_LARGE, f"{key}: a line over {MAX_LINE_BYTES} bytes, or over {limit} unpacked")

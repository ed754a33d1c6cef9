"""The lines of a log object, read one after the other."""

from collections.abc import Iterator
from typing import IO

from nervesys.errors import BadObject, Reason
from nervesys.stores.packing import unpacked

MAX_BYTES = 256 << 20
"""Of one log object, unpacked."""
MAX_LINE_BYTES = 1 << 20


def lines_of(stream: IO[bytes], key: str, *, max_bytes: int | None = None) -> Iterator[bytes]:
    """The lines of a log object, unpacked as its key says; only one of them is in memory.

    Args:
        stream: the object.
        key: tells how it is packed, if at all.
        max_bytes: unpacked; `MAX_BYTES` where None.

    Raises:
        BadObject: `bad_gzip` or `bad_zstd` where it is cut short or none at all, `too_large` beyond the limits above.
    """
    limit = left = MAX_BYTES if max_bytes is None else max_bytes
    with unpacked(stream, key) as content:
        while line := content.readline(MAX_LINE_BYTES + 1):
            left -= len(line)
            if len(line) > MAX_LINE_BYTES or left < 0:
                raise BadObject(
                    Reason.TOO_LARGE, f"{key}: a line over {MAX_LINE_BYTES} bytes, or over {limit} unpacked"
                )
            yield line

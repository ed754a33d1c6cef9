"""The lines of a log object, read one after the other."""

import gzip
import zlib
from collections.abc import Iterator
from typing import IO

from nervesys.errors import BadObject, Reason

MAX_BYTES = 256 << 20
"""Of one log object, inflated."""
MAX_LINE_BYTES = 1 << 20


def lines_of(stream: IO[bytes], key: str, *, max_bytes: int | None = None) -> Iterator[bytes]:
    """The lines of a log object, inflated where its key ends in `.gz`; only one of them is in memory.

    Args:
        stream: the object, gzipped or plain.
        key: tells which.
        max_bytes: inflated; `MAX_BYTES` where None.

    Raises:
        BadObject: `bad_gzip` where it is cut short or none at all, `too_large` beyond the limits above.
    """
    source = gzip.GzipFile(fileobj=stream, mode="rb") if key.endswith(".gz") else stream
    limit = left = MAX_BYTES if max_bytes is None else max_bytes
    try:
        while line := source.readline(MAX_LINE_BYTES + 1):
            left -= len(line)
            if len(line) > MAX_LINE_BYTES or left < 0:
                raise BadObject(
                    Reason.TOO_LARGE, f"{key}: a line over {MAX_LINE_BYTES} bytes, or over {limit} inflated"
                )
            yield line
    except (EOFError, gzip.BadGzipFile, zlib.error) as err:
        raise BadObject(Reason.BAD_GZIP, f"{key}: {err}") from err

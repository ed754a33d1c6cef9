"""Reads gzip (RFC 1952) as gzip(1) does: members one after the other, and bytes after the last one are ignored."""

import io
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any

decompressobj: Callable[[int], Any] = zlib.decompressobj
DAMAGE: tuple[type[Exception], ...] = (EOFError, zlib.error)
"""What a read of a damaged body raises."""
with suppress(ModuleNotFoundError):  # inflates three times as fast; optional
    from isal import isal_zlib

    decompressobj = isal_zlib.decompressobj
    DAMAGE = (*DAMAGE, isal_zlib.IsalError)  # type: ignore[arg-type]  # its stubs take the class for an instance
MAGIC = b"\x1f\x8b"
READ_BYTES = 1 << 16
GZIP_HEADER = zlib.MAX_WBITS | 16


class _Members(io.RawIOBase):
    """The content of all members.

    Args:
        packed: the body.
    """

    def __init__(self, packed: IO[bytes]) -> None:
        self._packed = packed
        self._member = decompressobj(GZIP_HEADER)
        self._rest = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what BufferedReader hands over
        while not self._ended:
            if self._member.eof:
                self._next_member()
                continue
            packed = self._member.unconsumed_tail or self._rest or self._packed.read(READ_BYTES)
            self._rest = b""
            if not packed:
                raise EOFError("the gzip stream is cut off")
            # No more than the caller's buffer is inflated: a decompression bomb takes no memory.
            if part := self._member.decompress(packed, len(buffer)):
                buffer[: len(part)] = part
                return len(part)
        return 0

    def _next_member(self) -> None:
        """Go on with the next member; zeros between members are padding, and anything else ends the stream."""
        rest = self._member.unused_data.lstrip(b"\0")
        while len(rest) < len(MAGIC) and (more := self._packed.read(READ_BYTES)):
            rest = (rest + more).lstrip(b"\0")
        self._ended = not rest.startswith(MAGIC)
        if not self._ended:
            self._member, self._rest = decompressobj(GZIP_HEADER), rest


def open_gzip(packed: IO[bytes]) -> IO[bytes]:
    """The content of a gzip body, as a stream.

    Args:
        packed: the body.

    Raises:
        EOFError: at a read, if the body is cut off; other errors of `DAMAGE` if it is damaged otherwise.
    """
    return io.BufferedReader(_Members(packed), READ_BYTES)

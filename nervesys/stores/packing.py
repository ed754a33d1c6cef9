"""Packed objects: the end of a key says how its body is packed, `.gz` by gzip, `.zst` by Zstandard (RFC 8878).

One that is encrypted as well ends in `.age` behind that: packed first, then sealed.
"""

import io
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from gzip import BadGzipFile
from typing import IO, TYPE_CHECKING, Any, cast

from nervesys.contract.paths import SEALED
from nervesys.errors import BadObject, Reason
from nervesys.stores.sealing import seal, unsealed

GzipFile: type[Any]
BAD_GZIP: tuple[type[Exception], ...] = (EOFError, BadGzipFile, zlib.error)
try:  # inflates three times as fast; who reads few logs need not install it
    from isal.igzip import IGzipFile as GzipFile
    from isal.isal_zlib import IsalError
except ModuleNotFoundError:
    from gzip import GzipFile
else:
    BAD_GZIP = (*BAD_GZIP, IsalError)  # type: ignore[arg-type]  # its stubs take the class for an instance

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

GZIP_LEVEL, ZSTD_LEVEL = 6, 9
PIECE_BYTES = 1024
"""Unpacked at once: the most that so little can unfold to is bounded."""


def pack(parts: Iterable[bytes], key: str, level: int | None = None, recipients: Sequence[str] = ()) -> bytes:
    """The body of an object; equal parts give equal bytes, unless they are sealed.

    Args:
        parts: of the content, one after the other.
        key: tells how it is packed, if at all.
        level: of the packer, one that suits logs where None.
        recipients: who are to read it, and nobody else; all where there are none.

    Raises:
        NervesysError: it cannot be sealed.
    """
    compress, flush = _packer(key.removesuffix(SEALED), level)
    return seal(b"".join([*map(compress, parts), flush()]), recipients)


@contextmanager
def unpacked(stream: IO[bytes], key: str) -> Iterator[IO[bytes]]:
    """What a stream holds, to be read within `with`.

    Args:
        stream: an object's body.
        key: tells how it is packed, if at all.

    Raises:
        BadObject: `bad_gzip`, `bad_zstd` or `bad_age` where it is cut short, or not packed so; `no_identity` where
            others are to read it.
    """
    inner = key.removesuffix(SEALED)
    try:
        with unsealed(stream, key) as packed:
            if inner.endswith(".gz"):
                yield cast("IO[bytes]", GzipFile(fileobj=packed, mode="rb"))
            else:
                yield io.BufferedReader(_Zstd(packed)) if inner.endswith(".zst") else packed
    except BAD_GZIP as err:
        raise BadObject(Reason.BAD_GZIP, f"{key}: {err}") from err
    except BadZstd as err:
        raise BadObject(Reason.BAD_ZSTD, f"{key}: {err}") from err


class BadZstd(Exception):
    """A body is cut short, or no Zstandard at all."""


class _Zstd(io.RawIOBase):
    """Reads Zstandard frames; the package's own reader takes a body that is cut short for a whole one."""

    def __init__(self, source: IO[bytes]) -> None:
        import zstandard  # the readers of gzip do not need it

        self._source, self._error = source, zstandard.ZstdError
        self._new: Callable[[], Any] = zstandard.ZstdDecompressor().decompressobj
        self._frame: Any = None
        self._held = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        while not self._held:
            piece = self._source.read(PIECE_BYTES)
            if not piece:
                if self._frame is not None and not self._frame.eof:
                    raise BadZstd("ends within a frame")
                return 0
            self._held = memoryview(self._inflated(piece))
        taken = self._held[: len(view)]
        view[: len(taken)] = taken
        self._held = self._held[len(taken) :]
        return len(taken)

    def _inflated(self, piece: bytes) -> bytes:
        inflated = b""
        try:
            while piece:
                if self._frame is None or self._frame.eof:
                    self._frame = self._new()
                inflated += self._frame.decompress(piece)
                piece = self._frame.unused_data
        except self._error as err:
            raise BadZstd(str(err)) from err
        return inflated


def _packer(key: str, level: int | None) -> tuple[Callable[[bytes], bytes], Callable[[], bytes]]:
    if key.endswith(".gz"):
        gz = zlib.compressobj(GZIP_LEVEL if level is None else level, wbits=zlib.MAX_WBITS | 16)
        return gz.compress, gz.flush
    if key.endswith(".zst"):
        import zstandard  # see above

        zst = zstandard.ZstdCompressor(level=ZSTD_LEVEL if level is None else level, write_checksum=True).compressobj()
        return zst.compress, zst.flush
    return bytes, bytes

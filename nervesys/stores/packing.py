"""Packed objects: the end of a key says how its body is packed, `.gz` by gzip, `.zst` by Zstandard (RFC 8878).

Encrypted ones end in `.age` after that: they are packed first, then encrypted.
"""

import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, cast

from nervesys.contract.paths import SEALED
from nervesys.errors import BadObject, Reason
from nervesys.stores.encryption import decrypted_file, encrypt
from nervesys.stores.gzip_stream import DAMAGE, open_gzip

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ZstdFile, ZstdError = zstd.ZstdFile, zstd.ZstdError
GZIP_LEVEL, ZSTD_LEVEL = 5, 9
"""For logs: gzip's next level makes them a twentieth smaller, and takes half as much time again."""
WINDOW = {zstd.DecompressionParameter.window_log_max.value: 23}
"""8 MiB, for which readers should have room (RFC 8878, 3.1.1.1.2): a body cannot ask for more memory."""


def pack(parts: Iterable[bytes], key: str, level: int | None = None, recipients: Sequence[str] = ()) -> bytes:
    """The body of an object; equal parts give equal bytes, unless they are encrypted.

    Args:
        parts: the content in order.
        key: its end names the packing.
        level: compression level; None for one that suits logs.
        recipients: public keys; not encrypted if there are none.

    Raises:
        NervesysError: it cannot be encrypted.
    """
    compress, flush = _packer(key.removesuffix(SEALED), level)
    return encrypt(b"".join([*map(compress, parts), flush()]), recipients)


@contextmanager
def open_unpacked(stream: IO[bytes], key: str) -> Iterator[IO[bytes]]:
    """The unpacked content, to be read within `with`, as a stream: a decompression bomb takes no memory.

    Args:
        stream: an object's body.
        key: its end names the packing.

    Raises:
        BadObject: `bad_gzip`, `bad_zstd` or `bad_age` if it is truncated or in another format; `no_identity` if it
            is encrypted for others.
    """
    with decrypted_file(stream, key) as packed:
        content, bad, reason = _reader(packed, key.removesuffix(SEALED))
        try:
            yield content
        except bad as err:
            raise BadObject(reason, f"{key}: {err}") from err


def _reader(packed: IO[bytes], key: str) -> tuple[IO[bytes], tuple[type[Exception], ...], Reason]:
    """The reader of a body, the exceptions that it raises for damage, and the reason for them."""
    if key.endswith(".gz"):
        return open_gzip(packed), DAMAGE, Reason.BAD_GZIP
    if key.endswith(".zst"):
        return cast("IO[bytes]", ZstdFile(packed, options=WINDOW)), (EOFError, ZstdError), Reason.BAD_ZSTD
    return packed, (), Reason.BAD_VALUE


def _packer(key: str, level: int | None) -> tuple[Callable[[bytes], bytes], Callable[[], bytes]]:
    if key.endswith(".gz"):
        gz = zlib.compressobj(GZIP_LEVEL if level is None else level, wbits=zlib.MAX_WBITS | 16)
        return gz.compress, gz.flush
    if key.endswith(".zst"):
        chosen: dict[int, int] = {
            zstd.CompressionParameter.compression_level: ZSTD_LEVEL if level is None else level,
            zstd.CompressionParameter.checksum_flag: 1,
        }
        zst = zstd.ZstdCompressor(options=chosen)
        return zst.compress, zst.flush
    return bytes, bytes

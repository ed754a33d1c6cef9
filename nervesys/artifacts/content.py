"""The content of an artifact (bytes, text or a file): as a stream, with its checksum, size and MIME type."""

import hashlib
import io
import mimetypes
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import IO, Protocol

from nervesys.artifacts.files import CHUNK
from nervesys.errors import NervesysError

BINARY = "application/octet-stream"
TEXT = "text/plain; charset=utf-8"

Content = bytes | str | Path
"""The content itself, or the path of a file that holds it."""


class ContentEncryption(Protocol):
    """Encrypts contents before they are stored, and decrypts them."""

    @property
    def active(self) -> bool:
        """Whether new contents are encrypted."""

    def encrypted(self, content: IO[bytes]) -> AbstractContextManager[IO[bytes]]:
        """A content as it is stored, at its start."""

    def decrypt(self, stored: bytes, uri: str) -> bytes:
        """The content that was stored; named in errors by its URI.

        Raises:
            NervesysError: it is encrypted for others.
        """


class NoEncryption:
    """Contents are stored and read as they are."""

    active = False

    def encrypted(self, content: IO[bytes]) -> AbstractContextManager[IO[bytes]]:
        """The content itself."""
        return nullcontext(content)

    def decrypt(self, stored: bytes, _: str) -> bytes:
        """The content itself."""
        return stored


@contextmanager
def open_content(content: Content) -> Iterator[IO[bytes]]:
    """Open a content as a stream.

    Raises:
        NervesysError: the file cannot be read.
    """
    if isinstance(content, Path):
        try:
            stream: IO[bytes] = content.open("rb")
        except OSError as err:
            raise NervesysError(f"read {content}: {err.strerror}") from err
    else:
        stream = io.BytesIO(content.encode() if isinstance(content, str) else content)
    with stream:
        yield stream


def checksum_and_size(stream: IO[bytes]) -> tuple[str, int]:
    """SHA-256 and size of a stream; rewinds it."""
    sum_, size = hashlib.sha256(), 0
    while chunk := stream.read(CHUNK):
        sum_.update(chunk)
        size += len(chunk)
    stream.seek(0)
    return sum_.hexdigest(), size


def mime_type(content: Content) -> str:
    """The MIME type, guessed from the file name."""
    if isinstance(content, Path):
        return mimetypes.guess_type(content.name)[0] or BINARY
    return TEXT if isinstance(content, str) else BINARY

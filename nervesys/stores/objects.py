"""The interface of the store: objects by key.

It has only what all S3 servers support alike: listings have no order and no cursor, every prefix ends in `/`, and there
are no conditional requests and no tags. ETags are compared without quotes.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO, NamedTuple, Protocol

from nervesys.errors import BadObject, Reason


class ObjectInfo(NamedTuple):
    """One object of a listing; a tuple, because a frozen dataclass takes four times as long to make.

    Attributes:
        key: the whole key.
        version: the ETag without quotes; it changes with the content.
        size: bytes.
        modified: Unix seconds by the store's clock.
    """

    key: str
    version: str
    size: int
    modified: float


@dataclass(frozen=True, slots=True)
class Listing:
    """All pages of one LIST.

    Attributes:
        objects: in no particular order.
        folders: common prefixes, each ending in `/`; only of a listing with a delimiter.
        pages: number of requests made.
        clock: the store's clock (Date header) in Unix seconds; None if the response has none.
    """

    objects: tuple[ObjectInfo, ...]
    folders: tuple[str, ...] = ()
    pages: int = 1
    clock: float | None = None


@dataclass(frozen=True, slots=True)
class DatedBody:
    """An object's content with its date, both from one response.

    Attributes:
        content: the bytes.
        modified: Unix seconds by the store's clock, in whole seconds with S3; None if the response has no date.
    """

    content: bytes
    modified: float | None


class ObjectReader(Protocol):
    """The reading half of the interface.

    Every call has a time limit and is retried a few times. If it still fails it raises `StoreUnavailable`; the message
    names the operation, the key and the cause, and never contains a secret.
    """

    def list(self, prefix: str, *, recursive: bool = True) -> Listing:
        """All objects below a prefix, which is empty or ends in `/`.

        Args:
            prefix: the folder.
            recursive: False lists one level and names the folders in it.
        """

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """An object's content.

        Raises:
            BadObject: `gone` when it is no longer there, `too_large` when it holds more than `max_bytes`.
            ObjectRefused: the store refuses to return it.
        """

    def get_dated(self, key: str, *, max_bytes: int) -> DatedBody:
        """An object's content and when it was written; the object may be newer than its entry in a listing.

        Raises:
            BadObject: as `get`.
            ObjectRefused: as `get`.
        """

    def open(self, key: str) -> AbstractContextManager[IO[bytes]]:
        """An object's content as a stream, to be read within `with`.

        Raises:
            BadObject: `gone`.
        """


class ObjectStore(ObjectReader, Protocol):
    """The interface of every store."""

    def put(self, key: str, body: bytes | IO[bytes], *, content_type: str = "application/octet-stream") -> str:
        """Write an object from bytes, or from a file that is read to its end; returns its version."""

    def delete(self, key: str) -> None:
        """Delete an object; it is no error if it does not exist."""


def check_prefix(prefix: str) -> None:
    """Refuse a prefix that some stores answer with 501.

    Raises:
        ValueError: the prefix is neither empty nor ends in `/`.
    """
    if prefix and not prefix.endswith("/"):
        raise ValueError(f"a prefix is empty or ends in '/': {prefix!r}")


def too_large(key: str, max_bytes: int) -> BadObject:
    """The error for an object that exceeds its size limit."""
    return BadObject(Reason.TOO_LARGE, f"{key}: more than {max_bytes} bytes")


def gone(key: str) -> BadObject:
    """The error for an object that no longer exists."""
    return BadObject(Reason.GONE, f"{key}: no longer there")

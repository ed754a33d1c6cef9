"""The store: objects by key.

Code above relies only on what all S3 servers have: no order in a listing, no cursor that is a key, every prefix ends
in `/`, no conditional request, no tags. ETags are compared without their quotes.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO, Protocol

from nervesys.errors import BadObject, Reason


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a listing tells of one object.

    Attributes:
        key: the whole key.
        version: the ETag without quotes; another one means another content.
        size: bytes.
        modified: Unix seconds by the store's clock.
    """

    key: str
    version: str
    size: int
    modified: float


@dataclass(frozen=True, slots=True)
class Listing:
    """One LIST, all its pages.

    Attributes:
        objects: in no order that may be relied upon.
        folders: common prefixes, each ending in `/`; only of a listing with a delimiter.
        pages: requests made.
        clock: the store's clock as its answer gave it (the Date header), Unix seconds; None where it gave none.
    """

    objects: tuple[ObjectInfo, ...]
    folders: tuple[str, ...] = ()
    pages: int = 1
    clock: float | None = None


class ObjectReader(Protocol):
    """What can be read of every store.

    Every call has a time limit and is retried a few times within the client; what fails after that raises
    `StoreUnavailable`, whose message names the verb, the key and the cause, and holds no secret.
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
        """

    def open(self, key: str) -> AbstractContextManager[IO[bytes]]:
        """An object's content as a stream, to be read within `with`.

        Raises:
            BadObject: `gone`.
        """


class ObjectStore(ObjectReader, Protocol):
    """What every store can do."""

    def put(self, key: str, body: bytes | IO[bytes], *, content_type: str = "application/octet-stream") -> str:
        """Write an object whole, of bytes or of a file that is read to its end; returns its version."""

    def delete(self, key: str) -> None:
        """Delete an object; one that is not there is no mistake."""


def check_prefix(prefix: str) -> None:
    """Refuse a prefix that some store would answer with 501.

    Raises:
        ValueError: the prefix is neither empty nor ends in `/`.
    """
    if prefix and not prefix.endswith("/"):
        raise ValueError(f"a prefix is empty or ends in '/': {prefix!r}")


def too_large(key: str, max_bytes: int) -> BadObject:
    """The refusal of an object beyond its limit."""
    return BadObject(Reason.TOO_LARGE, f"{key}: more than {max_bytes} bytes")


def gone(key: str) -> BadObject:
    """The object went away between its listing and now."""
    return BadObject(Reason.GONE, f"{key}: no longer there")

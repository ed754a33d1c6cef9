"""Storage of artifact contents, through fsspec: one file each, in a folder or an S3 bucket.

Only this module knows which of the two it is.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

from botocore.exceptions import BotoCoreError

from nervesys.errors import SettingsError, SettingsProblem, SourceError
from nervesys.settings.storage import StoreSettings

CHUNK = 1 << 20
LOCAL, S3 = "file://", "s3://"
MISSING = (FileNotFoundError, NotADirectoryError)


class ContentUnavailable(SourceError):
    """The storage of contents could not be read or written."""


@dataclass(frozen=True)
class StoredFile:
    """One file in the storage.

    Attributes:
        modified: Unix seconds.
    """

    uri: str
    size: int
    modified: float


class ContentStorage:
    """The storage.

    Args:
        url: `file:///path`, or `s3://BUCKET/PREFIX` on the server of the store.
        store: endpoint and credentials, for a bucket.

    Raises:
        SettingsError: the URL is of another kind, or a package that it needs is not installed.
    """

    def __init__(self, url: str, store: StoreSettings) -> None:
        self.root = url.rstrip("/")
        self._store = store
        self._opened = {_scheme_of(self.root): _filesystem(self.root, store)}

    def put(self, uri: str, content: IO[bytes]) -> None:
        """Write a content durably: on disk, or confirmed by the server, when this returns."""
        with _convert_errors("write", uri), self._fs(uri).open(uri, "wb") as file:
            while chunk := content.read(CHUNK):
                file.write(chunk)
            if uri.startswith(LOCAL):
                file.flush()
                os.fsync(file.fileno())

    @contextmanager
    def open(self, uri: str) -> Iterator[IO[bytes]]:
        """Open a content for reading.

        Raises:
            ContentUnavailable: it is not there, or cannot be read.
        """
        with _convert_errors("read", uri), self._fs(uri).open(uri, "rb") as file:
            yield file

    def checksum(self, uri: str) -> str:
        """SHA-256 of a content, in hex."""
        sum_ = hashlib.sha256()
        with self.open(uri) as file:
            while chunk := file.read(CHUNK):
                sum_.update(chunk)
        return sum_.hexdigest()

    def size(self, uri: str) -> int | None:
        """Size of a content in bytes; None if it does not exist."""
        with _convert_errors("look for", uri):
            try:
                return int(self._fs(uri).info(uri)["size"])
            except MISSING:
                return None

    def delete(self, uri: str) -> None:
        """Delete a content; it is no error if it does not exist."""
        with _convert_errors("delete", uri):
            try:
                self._fs(uri).rm_file(uri)
            except MISSING:
                return

    def sign(self, uri: str, seconds: int) -> str | None:
        """A signed URL of a content, valid for some seconds; None for one in a folder."""
        if not uri.startswith(S3):
            return None
        with _convert_errors("sign", uri):
            return str(self._fs(uri).sign(uri, expiration=seconds))

    def all(self) -> Iterator[StoredFile]:
        """All files in the storage, in no particular order."""
        with _convert_errors("list", self.root):
            fs = self._fs(self.root)
            for path, info in fs.find(self.root, detail=True).items():
                yield StoredFile(fs.unstrip_protocol(path), int(info["size"]), _modified_time(info))

    def _fs(self, uri: str) -> Any:
        """The file system of a content; those from before a change of `artifacts.files` stay where they are."""
        scheme = _scheme_of(uri)
        if scheme not in self._opened:
            self._opened[scheme] = _filesystem(uri, self._store)
        return self._opened[scheme]


def _scheme_of(uri: str) -> str:
    return S3 if uri.startswith(S3) else LOCAL


def _filesystem(root: str, store: StoreSettings) -> Any:
    import fsspec  # takes a quarter of a second, which only those who open it pay

    if root.startswith(f"{LOCAL}/"):
        return fsspec.filesystem("file", auto_mkdir=True, skip_instance_cache=True)
    if not root.startswith(S3):
        problem = "use a folder, file:///path or s3://BUCKET/PREFIX"
        raise SettingsError([SettingsProblem("config/storage.yaml", "artifacts.files", problem)])
    try:
        return fsspec.filesystem("s3", skip_instance_cache=True, use_listings_cache=False, **_s3_options(store))
    except ImportError as err:
        problem = "s3:// needs a package: pip install 'nervesys-observability[s3fs]'"
        raise SettingsError([SettingsProblem("config/storage.yaml", "artifacts.files", problem)]) from err


def _s3_options(store: StoreSettings) -> dict[str, Any]:
    return {
        "key": store.access_key.get_secret_value() if store.access_key else None,
        "secret": store.secret_key.get_secret_value() if store.secret_key else None,
        "client_kwargs": {"endpoint_url": store.endpoint, "region_name": store.region},
        "config_kwargs": {
            "connect_timeout": store.timeout_seconds,
            "read_timeout": store.timeout_seconds,
            "retries": {"total_max_attempts": 3, "mode": "standard"},
            "signature_version": "s3v4",
            "s3": {"addressing_style": "path"},
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
        },
    }


def _modified_time(info: dict[str, Any]) -> float:
    modified = info.get("mtime", info.get("LastModified"))  # a folder, or S3
    return modified.timestamp() if isinstance(modified, datetime) else float(modified or 0)


@contextmanager
def _convert_errors(verb: str, what: str) -> Iterator[None]:
    """Convert errors of the file system to `ContentUnavailable`."""
    try:
        yield
    except (OSError, BotoCoreError) as err:
        reason = (getattr(err, "strerror", None) or str(err) or type(err).__name__).splitlines()[0]
        raise ContentUnavailable(f"{verb} {what}: {reason}") from err

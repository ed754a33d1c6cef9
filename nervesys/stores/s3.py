"""The store over the S3 API, through boto3."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache
from tempfile import SpooledTemporaryFile
from threading import Lock
from typing import IO, Any, TypeVar, cast

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import IncompleteReadError, ResponseStreamingError
from botocore.session import Session as CoreSession
from botocore.utils import parse_timestamp

from nervesys import __version__
from nervesys.clients.deadline import Deadline
from nervesys.clients.watched_pools import CHUNK_BYTES
from nervesys.contract import PathTemplate
from nervesys.errors import StoreUnavailable
from nervesys.settings.storage import StoreSettings
from nervesys.stores.objects import DatedBody, Listing, ObjectInfo, check_prefix, too_large
from nervesys.stores.s3_connections import BoundedS3Session
from nervesys.stores.s3_description import SmallLoader
from nervesys.stores.s3_errors import converted_errors, date_of
from nervesys.stores.s3_listing import OBJECTS, take_objects

ATTEMPTS = 3
AREAS = 4
"""Areas that an exporter reads at the same time, each with `concurrency` requests."""
LISTING_PARTS = {"IsTruncated", "KeyCount", "MaxKeys", "Name"}
"""Elements of which every page of a listing has some."""
CUT_SHORT = (IncompleteReadError, ResponseStreamingError)
SPOOL_BYTES = 1 << 20
"""Size up to which the copy of a stream is kept in memory; larger ones go to a temporary file."""

USER_AGENT = f"nervesys-observability/{__version__}"
"""botocore's own lists thirty properties, and is built anew for each request."""

Result = TypeVar("Result")
_creation_lock = Lock()
"""Clients are thread-safe, but creating one is not."""


class S3Store:
    """One bucket of an S3-compatible server.

    A call, and each page of a listing, has the time of its attempts (`timeout_seconds` each), and beyond that the time
    that its bytes take at `MIN_BYTES_PER_SECOND`: a large object is not cut, a server that sends too slowly is.

    Args:
        settings: endpoint, bucket and credentials.
    """

    def __init__(self, settings: StoreSettings) -> None:
        self._bucket, self._endpoint = settings.bucket, settings.endpoint
        self._seconds = ATTEMPTS * settings.timeout_seconds
        self._expiring = {
            PathTemplate(getattr(settings.paths, area)): days
            for area, days in settings.expire_days.model_dump(exclude_none=True).items()
        }
        # botocore refuses half a pair of keys at once; without any, the first request says which are missing.
        keys = (
            (settings.access_key, settings.secret_key) if settings.access_key and settings.secret_key else (None, None)
        )
        access_key, secret_key = (key.get_secret_value() if key else None for key in keys)
        with _creation_lock:
            self._client = _session().client(
                "s3",
                endpoint_url=settings.endpoint,
                region_name=settings.region,
                aws_access_key_id=access_key,
                aws_secret_access_key=secret_key,
                config=Config(
                    user_agent=USER_AGENT,
                    retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
                    s3={"addressing_style": "path"},
                    # Servers other than Amazon's do not all know the newer checksum trailers.
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                ),
            )
        # In place of botocore's own connections.
        http = BoundedS3Session(
            settings.endpoint,
            settings.timeout_seconds,
            AREAS * settings.concurrency,
            _core_session().get_config_variable("ca_bundle"),
        )
        send: Any = http.answer  # by the stubs, a handler returns nothing
        self._client.meta.events.register("before-send.s3", send)
        # By this pattern it comes before botocore's search for errors, which parses each body of status 200 too.
        self._client.meta.events.register_first("before-parse.*.ListObjectsV2", take_objects)

    def list(self, prefix: str, *, recursive: bool = True) -> Listing:
        """All objects below a prefix, page after page."""
        check_prefix(prefix)
        request: dict[str, Any] = {"Bucket": self._bucket, "Prefix": prefix}
        if not recursive:
            request["Delimiter"] = "/"
        objects: list[ObjectInfo] = []
        folders: list[str] = []
        pages, clock = 0, None
        for page in self._pages(f"list {prefix or 'everything'}", request):
            pages += 1
            clock = date_of(page.get("ResponseMetadata", {}))
            objects += page.get(OBJECTS, ())
            objects += [_info(entry) for entry in page.get("Contents", ())]
            folders += [entry["Prefix"] for entry in page.get("CommonPrefixes", ()) if entry.get("Prefix")]
        return Listing(tuple(objects), tuple(folders), pages, clock)

    def _pages(self, what: str, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        pages = iter(self._client.get_paginator("list_objects_v2").paginate(**request))
        while True:
            with self._call(what):
                page = cast("dict[str, Any] | None", next(pages, None))
            if page is None:
                return
            if problem := _page_problem(page):
                raise StoreUnavailable(f"{what} in bucket {self._bucket} at {self._endpoint}: {problem}")
            yield page

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """An object's content, read no further than its limit."""
        return self.get_dated(key, max_bytes=max_bytes).content

    def get_dated(self, key: str, *, max_bytes: int) -> DatedBody:
        """An object's content and when it was written, read no further than its limit."""

        def take(chunks: Iterator[bytes], modified: float | None) -> DatedBody:
            content = bytearray()
            for chunk in chunks:  # to the end, where botocore finds a body that was cut short
                content += chunk
                if len(content) > max_bytes:
                    break
            return DatedBody(bytes(content), modified)

        body = self._read_body(key, take)
        if len(body.content) > max_bytes:
            raise too_large(key, max_bytes)
        return body

    @contextmanager
    def open(self, key: str) -> Iterator[IO[bytes]]:
        """An object's content as a stream, from a complete local copy, so that a truncated body is never used."""
        with SpooledTemporaryFile(max_size=SPOOL_BYTES) as copy:

            def take(chunks: Iterator[bytes], _modified: float | None) -> None:
                copy.seek(0)
                copy.truncate()
                copy.writelines(chunks)

            self._read_body(key, take)
            copy.seek(0)
            yield copy

    def _read_body(self, key: str, take: Callable[[Iterator[bytes], float | None], Result]) -> Result:
        """Read an object's body, with its LastModified; retry if it is truncated, which botocore does not do."""
        with self._call(f"get {key}", key) as deadline:
            for attempts_left in reversed(range(ATTEMPTS)):
                try:
                    response = self._client.get_object(Bucket=self._bucket, Key=key)
                    written = response.get("LastModified")
                    with closing(response["Body"]) as body:
                        chunks = _chunks(cast("IO[bytes]", body), deadline)
                        return take(chunks, written.timestamp() if written else None)
                except CUT_SHORT:
                    if not attempts_left or deadline.passed:
                        raise
        raise AssertionError("the last attempt returns or raises")

    def put(self, key: str, body: bytes | IO[bytes], *, content_type: str = "application/octet-stream") -> str:
        """Write an object whole; returns its version."""
        with self._call(f"put {key}") as deadline:
            deadline.allow(_size(body))
            response = self._client.put_object(
                Bucket=self._bucket, Key=key, Body=body, ContentType=content_type, Metadata=self._expiry(key)
            )
            return str(response.get("ETag", "")).strip('"')

    def delete(self, key: str) -> None:
        """Delete an object."""
        with self._call(f"delete {key}"):
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def _expiry(self, key: str) -> dict[str, str]:
        """Metadata for Storj's object expiry (storj.dev, Object Lifecycles); other servers ignore it."""
        days = next((days for template, days in self._expiring.items() if template.parse(key) is not None), None)
        return {} if days is None else {"object-expires": f"+{24 * days}h"}

    @contextmanager
    def _call(self, what: str, key: str = "") -> Iterator[Deadline]:
        """A call with its deadline.

        Raises:
            StoreUnavailable: it failed, or was not complete in time.
            BadObject: `gone`, of the object that is named.
            ObjectRefused: the store refuses this object.
        """
        place = f"in bucket {self._bucket} at {self._endpoint}"
        with Deadline(self._seconds) as deadline, converted_errors(what, place, key, deadline):
            yield deadline
            if deadline.passed:  # without a length, a body that was cut looks complete
                raise TimeoutError


def _chunks(body: IO[bytes], deadline: Deadline) -> Iterator[bytes]:
    """What arrives of a body, which moves the deadline."""
    while chunk := body.read(CHUNK_BYTES):
        deadline.allow(len(chunk))
        yield chunk


def _size(body: bytes | IO[bytes]) -> int:
    """Bytes of a body that are to be sent."""
    if isinstance(body, bytes):
        return len(body)
    at = body.tell()
    end = body.seek(0, os.SEEK_END)
    body.seek(at)
    return end - at


@cache
def _session() -> Session:
    return Session(botocore_session=_core_session())


@cache
def _core_session() -> CoreSession:
    """One session for all clients of the process; each would take 4 MB."""
    session = CoreSession()
    session.get_component("data_loader")  # created on the first request, when it would replace a registered component
    session.register_component("data_loader", SmallLoader())
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_parse_timestamp)
    return session


def _parse_timestamp(value: Any) -> datetime:
    """A date in the form of HTTP headers, else in any other; botocore's own parser takes a quarter of a millisecond."""
    try:
        at = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return parse_timestamp(value)
    return at if at.tzinfo else parse_timestamp(value)


def _page_problem(page: dict[str, Any]) -> str:
    """Why a page cannot be trusted; botocore takes any XML, and even an empty body, for an empty last page."""
    if not LISTING_PARTS & page.keys():
        return "the response is not a listing"
    if page.get("IsTruncated") and not page.get("NextContinuationToken"):
        return "the listing is truncated, and has no token to continue"
    return ""


def _info(entry: dict[str, Any]) -> ObjectInfo:
    """An object of a listing; where there is no ETag, time and size stand for the version.

    Raises:
        StoreUnavailable: it lacks its key, size or time, so that nothing of the listing can be trusted.
    """
    key, size, at = entry.get("Key"), entry.get("Size"), entry.get("LastModified")
    if not key or size is None or at is None:
        raise StoreUnavailable(f"list {key or '(no key)'}: an entry without key, size or time of modification")
    modified = at.timestamp()
    return ObjectInfo(key, entry.get("ETag", "").strip('"') or f"{modified}-{size}", size, modified)

"""The store over the S3 API, through boto3."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache
from shutil import copyfileobj
from tempfile import SpooledTemporaryFile
from threading import Lock
from typing import IO, Any, TypeVar, cast

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    IncompleteReadError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProxyConnectionError,
    ReadTimeoutError,
    ResponseStreamingError,
    SSLError,
)
from botocore.parsers import ResponseParserError
from botocore.session import Session as CoreSession
from botocore.utils import parse_timestamp

from nervesys import __version__
from nervesys.contract import PathTemplate
from nervesys.errors import ObjectRefused, StoreUnavailable
from nervesys.settings.storage import StoreSettings
from nervesys.stores.objects import DatedBody, Listing, ObjectInfo, check_prefix, gone, too_large
from nervesys.stores.s3_description import SmallLoader
from nervesys.stores.s3_listing import OBJECTS, take_objects

ATTEMPTS = 3
AREAS = 4
"""Areas that an exporter reads at the same time, each with `concurrency` requests."""
NO_KEYS = "no keys; set STORJ_ACCESS_KEY and STORJ_SECRET_KEY, or the same with _FILE"
CAUSES: tuple[tuple[type[Exception], str], ...] = (
    (NoCredentialsError, NO_KEYS),
    (PartialCredentialsError, NO_KEYS),
    (SSLError, "the TLS certificate is not trusted"),
    (ConnectTimeoutError, "timed out"),
    (ReadTimeoutError, "timed out"),
    (ProxyConnectionError, "cannot connect to the proxy"),
    (EndpointConnectionError, "cannot connect"),
    (ConnectionClosedError, "the connection was closed"),
    (IncompleteReadError, "the response was cut short"),
    (ResponseStreamingError, "the response was cut short"),
    (ParamValidationError, "the name of the bucket or of the object is not valid"),
)
"""Of botocore's own exceptions; the first that fits counts."""
CODES = {
    "AccessDenied": "the keys do not permit it",
    "InvalidAccessKeyId": "the access key is unknown",
    "NoSuchBucket": "there is no such bucket",
    "RequestTimeTooSkewed": "the clocks of the store and of this machine differ too much",
    "SignatureDoesNotMatch": "the secret key is wrong",
}
"""Error codes of the S3 API, in words."""
MISSING = {"NoSuchKey", "404", "NotFound"}
CREDENTIALS = {
    *("AuthorizationHeaderMalformed", "ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "NoSuchBucket"),
    *("RequestTimeTooSkewed", "SignatureDoesNotMatch", "SlowDown"),
}
"""Codes of errors that every request would meet."""
LISTING_PARTS = {"IsTruncated", "KeyCount", "MaxKeys", "Name"}
"""Elements of which every page of a listing has some."""
NOT_REFUSED = {401, 408, 429}
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

    Args:
        settings: endpoint, bucket and credentials.
    """

    def __init__(self, settings: StoreSettings) -> None:
        self._bucket, self._endpoint = settings.bucket, settings.endpoint
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
                    connect_timeout=settings.timeout_seconds,
                    read_timeout=settings.timeout_seconds,
                    retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
                    max_pool_connections=AREAS * settings.concurrency,
                    s3={"addressing_style": "path"},
                    # Servers other than Amazon's do not all know the newer checksum trailers.
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                ),
            )
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
        with self._converted_errors(f"list {prefix or 'everything'}"):
            for page in self._client.get_paginator("list_objects_v2").paginate(**request):
                if problem := _page_problem(cast("dict[str, Any]", page)):
                    raise StoreUnavailable(
                        f"list {prefix or 'everything'} in bucket {self._bucket} at {self._endpoint}: {problem}"
                    )
                pages += 1
                clock = _date(page.get("ResponseMetadata", {}))
                objects += cast("dict[str, Any]", page).get(OBJECTS, ())
                objects += [_info(cast("dict[str, Any]", entry)) for entry in page.get("Contents", ())]
                folders += [entry["Prefix"] for entry in page.get("CommonPrefixes", ()) if entry.get("Prefix")]
        return Listing(tuple(objects), tuple(folders), pages, clock)

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """An object's content, read no further than its limit."""
        return self.get_dated(key, max_bytes=max_bytes).content

    def get_dated(self, key: str, *, max_bytes: int) -> DatedBody:
        """An object's content and when it was written, read no further than its limit."""

        def take(stream: IO[bytes], modified: float | None) -> DatedBody:
            content = stream.read(max_bytes) + stream.read(1)  # botocore finds a body cut short by the read at its end
            return DatedBody(content, modified)

        body = self._read_body(key, take)
        if len(body.content) > max_bytes:
            raise too_large(key, max_bytes)
        return body

    @contextmanager
    def open(self, key: str) -> Iterator[IO[bytes]]:
        """An object's content as a stream, from a complete local copy, so that a truncated body is never used."""
        with SpooledTemporaryFile(max_size=SPOOL_BYTES) as copy:

            def take(body: IO[bytes], _modified: float | None) -> None:
                copy.seek(0)
                copy.truncate()
                copyfileobj(body, copy)

            self._read_body(key, take)
            copy.seek(0)
            yield copy

    def _read_body(self, key: str, take: Callable[[IO[bytes], float | None], Result]) -> Result:
        """Read an object's body, with its LastModified; retry if it is truncated, which botocore does not do."""
        with self._converted_errors(f"get {key}", key):
            for attempts_left in reversed(range(ATTEMPTS)):
                try:
                    response = self._client.get_object(Bucket=self._bucket, Key=key)
                    written = response.get("LastModified")
                    with closing(response["Body"]) as body:
                        return take(cast("IO[bytes]", body), written.timestamp() if written else None)
                except CUT_SHORT:
                    if not attempts_left:
                        raise
        raise AssertionError("the last attempt returns or raises")

    def put(self, key: str, body: bytes | IO[bytes], *, content_type: str = "application/octet-stream") -> str:
        """Write an object whole; returns its version."""
        with self._converted_errors(f"put {key}"):
            response = self._client.put_object(
                Bucket=self._bucket, Key=key, Body=body, ContentType=content_type, Metadata=self._expiry(key)
            )
            return str(response.get("ETag", "")).strip('"')

    def delete(self, key: str) -> None:
        """Delete an object."""
        with self._converted_errors(f"delete {key}"):
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def _expiry(self, key: str) -> dict[str, str]:
        """Metadata for Storj's object expiry (storj.dev, Object Lifecycles); other servers ignore it."""
        days = next((days for template, days in self._expiring.items() if template.parse(key) is not None), None)
        return {} if days is None else {"object-expires": f"+{24 * days}h"}

    @contextmanager
    def _converted_errors(self, what: str, key: str = "") -> Iterator[None]:
        """Convert botocore's exceptions. Their messages may quote request headers, so only the error code is used."""
        where = f"{what} in bucket {self._bucket} at {self._endpoint}"
        try:
            yield
        except ClientError as err:
            code = err.response.get("Error", {}).get("Code", "unknown")
            if key and code in MISSING:
                raise gone(key) from None
            response = err.response.get("ResponseMetadata", {})
            status = response.get("HTTPStatusCode", 0)
            words = f"{CODES[code]} ({code}, HTTP {status})" if code in CODES else f"{code} (HTTP {status or '?'})"
            refused = key and code not in CREDENTIALS and 400 <= status < 500 and status not in NOT_REFUSED
            error = ObjectRefused if refused else StoreUnavailable
            raise error(f"{where}: {words}", _date(response)) from err
        except BotoCoreError as err:
            words = next((words for kind, words in CAUSES if isinstance(err, kind)), "the request failed")
            raise StoreUnavailable(f"{where}: {words}") from err
        except (ResponseParserError, ValueError, KeyError) as err:  # an answer that is no S3 answer, or lacks a part
            raise StoreUnavailable(f"{where}: the response is malformed ({type(err).__name__})") from err
        except OSError as err:  # this machine's disk, which keeps what arrives
            raise StoreUnavailable(f"{what}: {err.strerror}") from err


@cache
def _session() -> Session:
    """One session for all clients of the process; each would take 4 MB."""
    session = CoreSession()
    session.get_component("data_loader")  # created on the first request, when it would replace a registered component
    session.register_component("data_loader", SmallLoader())
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_parse_timestamp)
    return Session(botocore_session=session)


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


def _date(metadata: Any) -> float | None:
    text = metadata.get("HTTPHeaders", {}).get("date")
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except ValueError:
        return None

"""Turns the exceptions of boto3 into those of stores."""

from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any

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

from nervesys.clients.deadline import Deadline
from nervesys.errors import ObjectRefused, StoreUnavailable
from nervesys.stores.objects import gone
from nervesys.stores.s3_connections import OversizedResponse

NO_KEYS = "no keys; set STORJ_ACCESS_KEY and STORJ_SECRET_KEY, or the same with _FILE"
CAUSES: tuple[tuple[type[Exception], str], ...] = (
    (OversizedResponse, "the response is too large"),
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
"""The first that fits counts."""
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
NOT_REFUSED = {401, 408, 429}


@contextmanager
def converted_errors(what: str, place: str, key: str, deadline: Deadline) -> Iterator[None]:
    """Convert botocore's exceptions. Their messages may quote request headers, so only the error code is used.

    Args:
        what: the call, for the message.
        place: its store, likewise.
        key: of the object that is asked for; empty for other calls.
        deadline: of the call.

    Raises:
        StoreUnavailable: the call failed, or was not complete in time.
        BadObject: `gone`.
        ObjectRefused: the store refuses this object.
    """
    where = f"{what} {place}"
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
        raise error(f"{where}: {words}", date_of(response)) from err
    except (BotoCoreError, OversizedResponse, TimeoutError) as err:
        known = next((words for kind, words in CAUSES if isinstance(err, kind)), "the request failed")
        words = f"timed out after {round(deadline.seconds, 1):g} s" if deadline.passed else known
        raise StoreUnavailable(f"{where}: {words}") from err
    except (ResponseParserError, ValueError, KeyError) as err:  # an answer that is no S3 answer, or lacks a part
        raise StoreUnavailable(f"{where}: the response is malformed ({type(err).__name__})") from err
    except OSError as err:  # this machine's disk, which keeps what arrives
        raise StoreUnavailable(f"{what}: {err.strerror}") from err


def date_of(metadata: Any) -> float | None:
    """The store's clock: the `Date` of a response, by botocore's `ResponseMetadata`."""
    text = metadata.get("HTTPHeaders", {}).get("date")
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except ValueError:
        return None

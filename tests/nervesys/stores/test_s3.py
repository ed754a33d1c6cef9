"""Answers of S3 servers that break the protocol: a listing is never taken as whole unless it is.

Covers: nervesys.stores.s3.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from nervesys.errors import BadObject, ObjectRefused, StoreUnavailable
from nervesys.stores.s3 import S3Store
from tests.servers.s3 import settings_of

ETAG, SIZE, TIME = '<ETag>"abc"</ETag>', "<Size>2</Size>", "<LastModified>2026-01-31T10:15:00.000Z</LastModified>"


def page(*entries: str, more: str = "<IsTruncated>false</IsTruncated>") -> bytes:
    contents = "".join(f"<Contents>{entry}</Contents>" for entry in entries)
    return f'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{more}{contents}</ListBucketResult>'.encode()


def error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code></Error>".encode()


@contextmanager
def answering(body: bytes, status: int = 200, last_modified: str | None = None) -> Iterator[S3Store]:
    """A store whose server gives the same answer to every request."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if last_modified:
                self.send_header("Last-Modified", last_modified)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield S3Store(settings_of(f"http://127.0.0.1:{server.server_address[1]}", timeout_seconds=5))
        server.shutdown()


@pytest.mark.parametrize(
    "listing",
    [
        pytest.param(page(more="<IsTruncated>true</IsTruncated>"), id="truncated, without a token"),
        pytest.param(
            page(more="<IsTruncated>true</IsTruncated><NextContinuationToken></NextContinuationToken>"),
            id="truncated, with an empty token",
        ),
        pytest.param(
            page(more="<IsTruncated>true</IsTruncated><NextContinuationToken>same</NextContinuationToken>"),
            id="truncated, with the same token again and again",
        ),
        pytest.param(page(f"<Key>a</Key>{ETAG}{TIME}"), id="no size"),
        pytest.param(page(f"<Key>a</Key>{ETAG}<Size></Size>{TIME}"), id="an empty size"),
        pytest.param(page(f"<Key>a</Key>{ETAG}{SIZE}"), id="no time"),
        pytest.param(page(f"<Key>a</Key>{ETAG}{SIZE}<LastModified></LastModified>"), id="an empty time"),
        pytest.param(page(f"<Key>a</Key>{ETAG}{SIZE}<LastModified>soon</LastModified>"), id="no instant"),
        pytest.param(page(f"{ETAG}{SIZE}{TIME}"), id="no key"),
        pytest.param(page(f"<Key>a</Key>{ETAG}{SIZE}{TIME}")[:-30], id="cut off"),
        pytest.param(b"<html><body>Sign in</body></html>", id="a page of a proxy"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"{}", id="JSON"),
    ],
)
def test_a_listing_that_is_not_whole_is_no_listing(listing: bytes) -> None:
    with answering(listing) as store, pytest.raises(StoreUnavailable, match="list "):
        store.list("a/")


@pytest.mark.parametrize("etag", ["", "<ETag></ETag>", '<ETag>""</ETag>'])
def test_without_an_etag_time_and_size_are_the_version(etag: str) -> None:
    with answering(page(f"<Key>a/1</Key>{etag}{SIZE}{TIME}")) as store:
        (info,) = store.list("a/").objects
    assert info.version == f"{info.modified}-2"


@pytest.mark.parametrize(
    ("status", "code", "raised"),
    [
        (403, "AccessDenied", ObjectRefused),
        (403, "InvalidObjectState", ObjectRefused),
        (405, "MethodNotAllowed", ObjectRefused),
        (404, "NoSuchKey", BadObject),
        (403, "InvalidAccessKeyId", StoreUnavailable),
        (403, "SignatureDoesNotMatch", StoreUnavailable),
        (404, "NoSuchBucket", StoreUnavailable),
        (501, "NotImplemented", StoreUnavailable),
    ],
)
def test_a_refused_object_differs_from_a_store_that_refuses_everything(
    status: int, code: str, raised: type[Exception]
) -> None:
    with answering(error(code), status) as store, pytest.raises(raised) as caught:
        store.get("a", max_bytes=1)
    assert type(caught.value) is raised


@pytest.mark.parametrize(
    "date",
    ["Sat, 31 Jan 2026 10:15:00 GMT", "Sat, 31 Jan 2026 10:15:00 -0000", "2026-01-31T10:15:00Z", "1769854500"],
)
def test_the_date_of_a_body_is_read_in_every_form(date: str) -> None:
    with answering(b"x", last_modified=date) as store:
        assert store.get_dated("key", max_bytes=1).modified == 1_769_854_500

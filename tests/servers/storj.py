"""A proxy that behaves like Storj with self-managed encryption, before any S3 server.

It lists in the order of a hash of the key, across pages; answers 501 to a prefix that does not end in `/`; and of GETs
of objects, now and then answers 503 with Retry-After, or cuts the body short.
"""

import hashlib
import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit
from xml.sax.saxutils import escape

from tests.servers.s3 import client

PAGE = 3
BUSY_EVERY, CUT_EVERY = 5, 7


@contextmanager
def storj_like(endpoint: str) -> Iterator[str]:
    """The proxy before a server; yields the proxy's endpoint."""
    upstream, gets, whole = urlsplit(endpoint), count(1), client(endpoint)

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(address.query, keep_blank_values=True).items()}
            if query.get("list-type") == "2":
                self._list(address.path.strip("/"), query)
                return
            number = next(gets)
            if number % BUSY_EVERY == 0:
                self._answer(503, error("SlowDown"), {"Retry-After": "0"})
            else:
                self._forward(cut=number % CUT_EVERY == 0)

        def do_PUT(self) -> None:
            self._forward()

        do_HEAD = do_DELETE = do_PUT  # noqa: N815  # as http.server looks them up

        def _list(self, bucket: str, query: dict[str, str]) -> None:
            prefix = query.get("prefix", "")
            if prefix and not prefix.endswith("/"):
                self._answer(501, error("NotImplemented"))
                return
            entries = hashed(listing(whole, bucket, prefix, query.get("delimiter", "")))
            at = int(query.get("continuation-token", "0"))
            self._answer(200, page(entries[at : at + PAGE], at + PAGE if at + PAGE < len(entries) else None))

        def _forward(self, *, cut: bool = False) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            there = http.client.HTTPConnection(upstream.netloc, timeout=30)
            there.request(self.command, self.path, body, dict(self.headers))
            answer = there.getresponse()
            content = answer.read()
            headers = {name: value for name, value in answer.getheaders() if name.lower() not in HOP}
            there.close()
            self._answer(answer.status, content, headers, sent=len(content) // 2 if cut else None)

        def _answer(
            self, status: int, body: bytes, headers: dict[str, str] | None = None, sent: int | None = None
        ) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            if "Content-Length" not in (headers or {}):
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[:sent])
            if sent is not None:
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as it is named above
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


HOP = {"connection", "transfer-encoding", "date", "server"}


def listing(whole: Any, bucket: str, prefix: str, delimiter: str) -> list[dict[str, Any]]:
    """Everything that the server behind lists: objects, and folders as entries with a `Prefix`."""
    pages = whole.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter=delimiter)
    return [entry for page in pages for entry in (*page.get("Contents", ()), *page.get("CommonPrefixes", ()))]


def hashed(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """In the order of a hash, as encrypted keys are."""
    return sorted(entries, key=lambda entry: hashlib.md5((entry.get("Key") or entry["Prefix"]).encode()).digest())


def page(entries: list[dict[str, Any]], token: int | None) -> bytes:
    """One page of a listing; as some servers do, it leaves KeyCount out."""
    rows = "".join(
        f"<CommonPrefixes><Prefix>{quote(entry['Prefix'])}</Prefix></CommonPrefixes>"
        if "Prefix" in entry
        else f"<Contents><Key>{quote(entry['Key'])}</Key><ETag>{escape(entry['ETag'])}</ETag>"
        f"<Size>{entry['Size']}</Size><LastModified>{entry['LastModified']:%Y-%m-%dT%H:%M:%S.%fZ}</LastModified></Contents>"
        for entry in entries
    )
    more = "<IsTruncated>false</IsTruncated>"
    if token is not None:
        more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>"
    return f"<ListBucketResult><EncodingType>url</EncodingType>{more}{rows}</ListBucketResult>".encode()


def error(code: str) -> bytes:
    """An error as S3 says it."""
    return f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()

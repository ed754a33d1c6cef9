"""An S3 server over a simulated fleet: what our programs ask an S3 server for, in a tenth of the time of a real one.

Requests are not authenticated.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from email.utils import formatdate
from html import escape
from urllib.parse import parse_qs, unquote

from benchmarks.simulator.bucket import SimulatedBucket
from nervesys.clock import system_clock
from nervesys.contract.times import format_time
from nervesys.errors import BadObject
from nervesys.stores.objects import Listing, ObjectInfo

PAGE_KEYS = 1000
OPEN_LISTINGS = 256
"""Listings whose next page is awaited; the oldest is forgotten first."""
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

Answer = tuple[str, dict[str, str], bytes]
"""Status line, headers and body."""


class S3Responder:
    """Answers requests of the S3 API from a bucket.

    Args:
        bucket: the objects.

    Attributes:
        requests: number of requests and listed keys by the first two parts of their prefix or key.
    """

    def __init__(self, bucket: SimulatedBucket) -> None:
        self._bucket = bucket
        self._open: dict[str, Listing] = {}
        self.requests: Counter[str] = Counter()

    def answer(self, method: str, target: str, body: bytes) -> Answer:
        """The response to a request."""
        path, _, query = target.partition("?")
        _, _, key = unquote(path.removeprefix("/")).partition("/")
        try:
            if method == "GET" and not key:
                return self._list({name: values[0] for name, values in parse_qs(query).items()})
            return self._object(method, key, body)
        except BadObject:
            return "404 Not Found", {}, b"<Error><Code>NoSuchKey</Code></Error>"

    def _object(self, method: str, key: str, body: bytes) -> Answer:
        self._count(method, key)
        if method == "PUT":
            return "200 OK", {"ETag": f'"{self._bucket.put(key, body)}"'}, b""
        if method == "DELETE":
            self._bucket.delete(key)
            return "204 No Content", {}, b""
        info, content = self._bucket.read(key)
        headers = {"ETag": f'"{info.version}"', "Last-Modified": formatdate(info.modified, usegmt=True)}
        return "200 OK", headers, content

    def _list(self, asked: dict[str, str]) -> Answer:
        """A page of a listing: the first computes it whole, the others take what is left of it."""
        prefix, token = asked.get("prefix", ""), asked.get("continuation-token", "")
        _, _, begin = token.rpartition(":")
        at = int(begin or 0)
        listing = self._open.pop(token, None) or self._bucket.list(prefix, recursive="delimiter" not in asked)
        after = "" if token else asked.get("start-after", "")
        objects = [info for info in listing.objects if info.key > after] if after else listing.objects
        listing = Listing(tuple(objects), listing.folders)
        page, more = objects[at : at + PAGE_KEYS], len(objects) > at + PAGE_KEYS
        following = f"{prefix}:{id(listing)}:{at + PAGE_KEYS}"
        if more:
            self._open[following] = listing
            if len(self._open) > OPEN_LISTINGS:
                del self._open[next(iter(self._open))]
        self._count("LIST", prefix, len(page))
        folders = "" if token else "".join(map(_folder, listing.folders))
        ends = f"<NextContinuationToken>{escape(following)}</NextContinuationToken>" if more else ""
        text = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>'
            f"<KeyCount>{len(page)}</KeyCount>{ends}{''.join(map(_entry, page))}{folders}</ListBucketResult>"
        )
        return "200 OK", {"Content-Type": "application/xml"}, text.encode()

    def _count(self, method: str, key: str, keys: int = 0) -> None:
        area = "/".join(key.split("/")[:2])
        self.requests[f"{method} {area}"] += 1
        self.requests[f"keys {area}"] += keys


class HttpProtocol(asyncio.Protocol):
    """HTTP/1.1 with connections that stay open.

    Args:
        answer: from method, target and body to the response.
    """

    def __init__(self, answer: Callable[[str, str, bytes], Answer]) -> None:
        self._answer = answer
        self._received = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        assert self._transport is not None
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, rest = self._received.partition(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            length = int(headers.get("content-length", 0))
            if len(rest) < length:
                if "expect" in headers and not rest:
                    self._transport.write(CONTINUE)
                return
            method, target, _ = first.split(" ", 2)
            body, self._received = rest[:length], rest[length:]
            self._transport.write(_response(method, *self._answer(method, target, body)))


def _response(method: str, status: str, headers: dict[str, str], body: bytes) -> bytes:
    fields = {"Date": formatdate(system_clock(), usegmt=True), "Content-Length": str(len(body)), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + (b"" if method == "HEAD" else body)


def _entry(info: ObjectInfo) -> str:
    return (
        f"<Contents><Key>{escape(info.key)}</Key><LastModified>{format_time(info.modified)}</LastModified>"
        f"<ETag>&#34;{info.version}&#34;</ETag><Size>{info.size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
    )


def _folder(name: str) -> str:
    return f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>"

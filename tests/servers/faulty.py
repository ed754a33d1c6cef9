"""A proxy before any S3 server whose failures can be switched while it runs."""

import http.client
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Literal
from urllib.parse import urlsplit

from tests.servers.storj import HOP

Mode = Literal["well", "error", "slow", "half", "mute"]
"""`error` answers 500; `slow` waits before it goes on; `half` takes half of a body and hangs up; `mute` does what it is
asked for, and hangs up without an answer."""


@dataclass
class Faulty:
    """The proxy.

    Attributes:
        endpoint: its URL.
        mode: how it fails from now on.
        slow_seconds: that it waits.
        refused: parts of paths whose GETs are answered with 403.
    """

    endpoint: str
    mode: Mode = "well"
    slow_seconds: float = 2.0
    refused: tuple[str, ...] = ()


@contextmanager
def faulty(upstream: str) -> Iterator[Faulty]:
    """The proxy before a server."""
    there, proxy = urlsplit(upstream), Faulty("")

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            mode, size = proxy.mode, int(self.headers.get("Content-Length") or 0)
            if self.headers.get("Expect") == "100-continue" and mode == "half":
                self.send_response_only(100)
                self.end_headers()
            body = self.rfile.read(size // 2 if mode == "half" else size)
            if mode == "half":
                self.close_connection = True
                return
            if self.command == "GET" and any(part in self.path.partition("?")[0] for part in proxy.refused):
                self._answer(403, b"<Error><Code>AccessDenied</Code></Error>", {})
                return
            if mode == "error":
                self._answer(500, b"<Error><Code>InternalError</Code></Error>", {})
                return
            if mode == "slow":
                time.sleep(proxy.slow_seconds)
            status, content, headers = self._forwarded(body)
            if mode == "mute":
                self.close_connection = True
                return
            self._answer(status, content, headers)

        do_GET = do_HEAD = do_DELETE = do_PUT  # noqa: N815  # as http.server looks them up

        def _forwarded(self, body: bytes) -> tuple[int, bytes, dict[str, str]]:
            server = http.client.HTTPConnection(there.netloc, timeout=30)
            server.request(self.command, self.path, body, dict(self.headers))
            answer = server.getresponse()
            content = answer.read()
            server.close()
            return answer.status, content, {k: v for k, v in answer.getheaders() if k.lower() not in HOP}

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            try:
                self.send_response(status)
                for name, value in ({"Content-Length": str(len(body))} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
            except OSError:  # who asked has given up
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as it is named above
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(
            self, request: Any, client_address: Any
        ) -> None:  # who asked is gone: killed, or out of patience
            pass

    server = Server(("127.0.0.1", 0), Proxy)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    proxy.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)

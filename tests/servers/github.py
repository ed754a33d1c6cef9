"""A small server that plays GitHub: the one service of these tests that is played.

GitHub's API cannot be had on this machine. What it answers follows GitHub's REST reference: `/rate_limit`,
`/repos/{owner}/{repo}/…`, ETags, 304, 401 and 403.
"""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "s3cret-token"
RESET = 1_800_001_000


class GitHub(ThreadingHTTPServer):
    """Plays GitHub; remembers what it was asked.

    Attributes:
        remaining: requests that are left.
        status: of every answer, where it is none of success.
        answers: body by path, without what follows `?`.
        moved: path by path, answered with 301, and all below it; the location is without the query.
        refusals: status, headers and message by path.
        asked: path and status of every request.
        queries: what follows `?` in every request.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.remaining = 4000
        self.status = 200
        self.answers: dict[str, Any] = {}
        self.moved: dict[str, str] = {}
        self.refusals: dict[str, tuple[int, dict[str, str], str]] = {}
        self.queries: list[str] = []
        self.asked: list[tuple[str, int]] = []

    @property
    def url(self) -> str:
        """Of its API."""
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    server: GitHub

    def do_GET(self) -> None:
        hub, path = self.server, self.path.partition("?")[0]
        status = hub.status
        body: Any = {"message": "no"}
        headers: dict[str, str] = {}
        old = next((old for old in hub.moved if path == old or path.startswith(f"{old}/")), None)
        if old is not None:
            status, headers = 301, {"Location": f"{hub.url}{hub.moved[old]}{path.removeprefix(old)}"}
        elif self.headers["Authorization"] != f"token {TOKEN}":
            status, body = 401, {"message": "Bad credentials"}
        elif path in hub.refusals:
            status, headers, message = hub.refusals[path]
            body = {"message": message}
        elif status == 200 and path == "/rate_limit":
            rate = {"limit": 5000, "remaining": hub.remaining, "reset": RESET, "used": 5000 - hub.remaining}
            body = {"rate": rate, "resources": {"core": rate}}
        elif status == 200:
            status, body = (200, hub.answers[path]) if path in hub.answers else (404, {"message": "Not Found"})
        text = json.dumps(body).encode()
        etag = f'"{hashlib.sha256(text).hexdigest()}"'
        if status == 200 and self.headers["If-None-Match"] == etag:
            status, text = 304, b""
        hub.asked.append((path, status))
        hub.queries.append(self.path.partition("?")[2])
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("ETag", etag)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def github() -> Iterator[GitHub]:
    """The running server."""
    with GitHub() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server
        server.shutdown()

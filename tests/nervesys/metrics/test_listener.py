"""Clients that open connections and say nothing, little, or too much: they cost themselves alone.

Covers: nervesys.metrics.http_server.
"""

import errno
import logging
import resource
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from nervesys.errors import NervesysError
from nervesys.metrics import http_server, listener, pages
from nervesys.metrics.body import HttpRefused, read_body
from nervesys.metrics.http_server import OncePerMinute
from nervesys.metrics.listener import Connections, Listener, connection_limit, open_listeners, raise_file_limit
from nervesys.settings import Web
from tests.servers.certificates import certify
from tests.waiting import until

LIMIT = 8
LARGE = 16 << 20
"""Bytes of a response that no socket buffer holds."""


async def _take(request: Request) -> Response:
    try:
        return PlainTextResponse(str(len(await read_body(request, 1000))))
    except HttpRefused as refused:
        return PlainTextResponse(f"{refused}\n", refused.status)


async def _large(_: Request) -> Response:
    return PlainTextResponse("x" * LARGE)


async def _small(_: Request) -> Response:
    return PlainTextResponse("here")


APP = Starlette(routes=[Route("/", _small), Route("/large", _large), Route("/take", _take, methods=["POST"])])


class Setup:
    """A server with a small limit, and clients of it."""

    def __init__(self, port: int, tls: ssl.SSLContext | None, stack: ExitStack) -> None:
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        self._port, self._tls, self._stack = port, tls, stack

    def connect(self, sent: bytes = b"", *, tls: bool = True) -> socket.socket:
        """A client that sent this."""
        client = self._stack.enter_context(socket.create_connection(("127.0.0.1", self._port), timeout=10))
        if self._tls and tls:
            client = self._stack.enter_context(self._tls.wrap_socket(client))
        client.sendall(sent)
        return client

    def get(self, path: str = "/") -> str:
        return httpx.get(self.url + path, verify=self._tls or True, timeout=10).text


def ended(client: socket.socket) -> bool:
    """Whether the server closed the connection; waits for it."""
    try:
        while client.recv(1 << 16):
            pass
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return True


@contextmanager
def serving(web: Web | None = None, tls: ssl.SSLContext | None = None) -> Iterator[Setup]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with ExitStack() as stack:
        stack.enter_context(pages.serve_in_background(APP, f"127.0.0.1:{port}", web or Web()))
        yield Setup(port, tls, stack)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few connections, and time enough that only this limit counts."""
    monkeypatch.setattr(listener, "MOST_CONNECTIONS", LIMIT)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time for clients."""
    for module in (listener, http_server):
        monkeypatch.setattr(module, "REQUEST_SECONDS", 0.2)
    monkeypatch.setattr(http_server, "GRACE_SECONDS", 0.1)
    monkeypatch.setattr(http_server, "STALL_SECONDS", 0.2)


@pytest.fixture
def web(tmp_path: Path) -> tuple[Web, ssl.SSLContext]:
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    certify(certificate, key)
    return Web(tls_cert_file=str(certificate), tls_key_file=str(key)), ssl.create_default_context(cafile=certificate)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET / HTT", id="a part of a head"),
        pytest.param(b"POST /take HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx", id="a part of a body"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", id="one request, then nothing"),
        pytest.param(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n", id="reads no response"),
    ],
)
def test_idle_and_slow_connections_make_room(sent: bytes) -> None:
    with serving() as server:
        clients = [server.connect(sent) for _ in range(5 * LIMIT)]
        assert server.get() == "here"
        assert sum(map(ended, clients[: 2 * LIMIT])) == 2 * LIMIT, "the oldest were closed"


@pytest.mark.usefixtures("few")
def test_handshakes_that_stall_make_room_too(web: tuple[Web, ssl.SSLContext]) -> None:
    with serving(*web) as server:
        for _ in range(5 * LIMIT):
            server.connect(b"\x16\x03\x01", tls=False)
        assert server.get() == "here"


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET / HTT", id="a part of a head"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET", id="a part of the next head"),
        pytest.param(b"POST /take HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx", id="a part of a body"),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
            id="a body that nobody reads",
        ),
        pytest.param(b"no http\r\n\r\n", id="no HTTP"),
    ],
)
def test_a_request_that_does_not_come_is_not_waited_for(sent: bytes) -> None:
    with serving() as server:
        assert ended(server.connect(sent))


@pytest.mark.usefixtures("hurried")
def test_a_response_that_is_not_read_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    connections = Connections(LIMIT)
    monkeypatch.setattr(pages, "Connections", lambda _: connections)
    with serving() as server:
        server.connect(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
        until(lambda: len(connections) == 1)
        until(lambda: len(connections) == 0)


@pytest.mark.usefixtures("hurried")
def test_a_handshake_that_does_not_come_is_not_waited_for(web: tuple[Web, ssl.SSLContext]) -> None:
    with serving(*web) as server:
        assert ended(server.connect(tls=False))


def test_endless_chunks_are_refused_at_the_limit() -> None:
    with serving() as server:
        client = server.connect(b"POST /take HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"400\r\n" + b"x" * 1024 + b"\r\n"
        client.sendall(chunk)
        assert client.recv(100).startswith(b"HTTP/1.1 413 ")


def test_what_is_no_http_is_refused_with_care() -> None:
    with serving() as server:
        response = server.connect(b"\0\r\n\r\n").makefile("rb").read()
    assert response.startswith(b"HTTP/1.1 400 ")
    assert b"x-content-type-options: nosniff" in response


@pytest.mark.parametrize(
    "head",
    [
        b"Host: localhost\r\nX: " + b"x" * (1 << 20),
        b"Host: localhost\r\nX: a\rSet-Cookie: b\r\n\r\n",
        b"Host: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"Host: localhost\r\nContent-Length: " + b"9" * 400 + b"\r\n\r\n",
        b"Host: localhost\r\nHost: evil.example\r\n\r\n",
        b"\r\n",
    ],
    ids=["endless", "a bare CR", "two lengths", "a length of 400 digits", "two hosts", "no host"],
)
def test_odd_heads_are_refused(head: bytes) -> None:
    with serving() as server:
        client = server.connect()
        try:
            client.sendall(b"GET / HTTP/1.1\r\n" + head)
            assert client.recv(100).startswith(b"HTTP/1.1 400 ")
        except (ConnectionResetError, BrokenPipeError):  # closed while the rest was being sent
            pass
        assert server.get() == "here"


def test_a_web_socket_is_not_offered() -> None:
    with serving() as server:
        upgrade = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
        assert (
            httpx.get(server.url, headers={**upgrade, "sec-websocket-key": "eDEyMzQ1Njc4OTAxMjM0NQ=="}).text == "here"
        )


def test_sockets_that_the_process_cannot_open_are_logged_once_a_minute(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (ours,) = open_listeners("127.0.0.1", 0, Connections(9))
    clients = [socket.create_connection(ours.getsockname()) for _ in range(5)]
    real, failing = socket.socket.accept, [True]

    def accept(self: socket.socket) -> object:
        failing[0] = not failing[0]
        if not failing[0]:
            raise OSError(errno.EMFILE, "Too many open files")
        return real(self)

    monkeypatch.setattr(socket.socket, "accept", accept)
    for _ in clients:
        with pytest.raises(BlockingIOError):
            ours.accept()
    assert [record.getMessage() for record in caplog.records] == ["refused a connection: Too many open files"]
    assert all(map(ended, clients)), "none is left waiting, which would keep the loop busy"
    for client in clients:
        client.close()
    ours.close()


def test_when_every_connection_waits_for_a_response_the_next_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    connections = Connections(2)
    (ours,) = open_listeners("127.0.0.1", 0, connections)
    clients = [socket.create_connection(ours.getsockname()) for _ in range(3)]
    for _ in range(2):
        accepted, _address = ours.accept()
        assert isinstance(accepted, listener.ClientSocket)
        accepted.enter(listener.Phase.ANSWERED, None)
    with pytest.raises(BlockingIOError):
        ours.accept()
    assert len(connections) == 2
    assert ended(clients[2])
    assert "all of them wait for a response" in caplog.text
    for client in (*clients, *connections.sockets()):
        client.close()
    assert len(connections) == 0
    ours.close()


def test_the_limit_is_well_below_that_of_files() -> None:
    assert [connection_limit(files) for files in (16, 1024, 20000, 1 << 20)] == [4, 256, 512, 512]
    files = raise_file_limit()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (files, files)


def test_an_address_in_use_is_named() -> None:
    (ours,) = open_listeners("127.0.0.1", 0, Connections(1))
    host, port = ours.getsockname()
    with pytest.raises(NervesysError, match=rf"listen at 127\.0\.0\.1:{port}: Address already in use"):
        open_listeners(host, port, Connections(1))
    ours.close()


def test_an_unknown_host_is_named() -> None:
    with pytest.raises(NervesysError, match=r"listen at none\.invalid:1: "):
        open_listeners("none.invalid", 1, Connections(1))


def test_warnings_of_clients_do_not_fill_the_log() -> None:
    once = OncePerMinute()
    warning = logging.LogRecord("uvicorn.error", logging.WARNING, "", 0, "Invalid HTTP request received.", None, None)
    error = logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, "a bug", None, None)
    assert [once.filter(record) for record in (warning, warning, error, error)] == [True, False, True, True]


def test_a_listener_closes_what_it_keeps_in_reserve() -> None:
    ours = Listener(socket.AF_INET, socket.SOCK_STREAM)
    ours.listen_at(("127.0.0.1", 0), Connections(1))
    ours.close()
    ours.close()
    assert ours.fileno() == -1

"""Calls over HTTP end in time and size, however the server behaves; mail servers are left in time, too.

Covers: nervesys.clients.bounded_smtp.
"""

import gzip
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from nervesys.clients.bounded_http import bounded_session, call
from nervesys.clients.bounded_smtp import smtp
from nervesys.clients.http_errors import ResponseTooLarge, cause
from tests.servers.certificates import certify

ROOT = Path(__file__).parents[3]
SECONDS = 0.4
SIZE = 1 << 17
STEP = 0.02
HEAD = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def server(
    first: bytes, trickle: bytes = b"", tls: ssl.SSLContext | None = None, *, greets: bool = False
) -> Iterator[str]:
    """A server that sends something to each request, or before it, and then one byte after the other for ever."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def respond(plain: socket.socket) -> None:
        try:
            with tls.wrap_socket(plain, server_side=True) if tls else plain as connection:
                while (greets or connection.recv(1 << 16)) and not over.is_set():
                    connection.sendall(first)
                    while trickle and not over.wait(STEP):
                        connection.sendall(trickle)
        except OSError:
            return

    def accept() -> None:
        while not over.is_set():
            try:
                threading.Thread(target=respond, args=(listener.accept()[0],), daemon=True).start()
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        listener.close()


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(HEAD + b"X-Long: ", id="headers"),
        pytest.param(HEAD + b"Content-Length: 1000000\r\n\r\n", id="body"),
        pytest.param(HEAD + b"Connection: close\r\n\r\n", id="body without a length"),
    ],
)
@pytest.mark.parametrize("secure", [False, True])
def test_a_server_that_trickles_is_left_at_the_deadline(first: bytes, secure: bool, tmp_path: Path) -> None:
    context, certificate = None, tmp_path / "cert.pem"
    if secure:
        certify(certificate, tmp_path / "key.pem")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, tmp_path / "key.pem")
    with server(first, b"1", context) as url, pytest.raises(requests.Timeout, match=r"within 0\.4 s") as failure:
        call("GET", url, SECONDS, verify=str(certificate))
    assert cause(failure.value) == "timed out"


def test_also_by_a_connection_that_an_earlier_call_opened() -> None:
    ok = HEAD + b"Content-Length: 2\r\n\r\nok"
    with server(ok) as url, bounded_session(SECONDS) as session:
        assert [session.get(url).text for _ in range(2)] == ["ok", "ok"]
    with server(HEAD + b"Content-Length: 1\r\n\r\n1" + ok) as url, bounded_session(SECONDS) as session:
        assert session.get(url).text == "1"


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(HEAD + b"Content-Length: %d\r\n\r\n" % SIZE + bytes(SIZE), id="long"),
        pytest.param(HEAD + b"Connection: close\r\n\r\n" + bytes(SIZE), id="without a length"),
        pytest.param(
            HEAD
            + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(gzip.compress(bytes(SIZE), mtime=0))
            + gzip.compress(bytes(SIZE), mtime=0),
            id="packed",
        ),
    ],
)
def test_a_response_has_a_largest_size(head: bytes) -> None:
    with server(head, b"1") as url, pytest.raises(ResponseTooLarge, match="more than 4096 bytes") as failure:
        call("GET", url, 5, 4096)
    assert cause(failure.value) == "the response is too large"


@pytest.mark.parametrize("secure", [False, True])
def test_a_mail_server_that_trickles_is_left_at_the_deadline(secure: bool, tmp_path: Path) -> None:
    context, trusted = None, None
    if secure:
        certify(tmp_path / "cert.pem", tmp_path / "key.pem")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
        trusted = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    with server(b"220-hello", b"x", context, greets=True) as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(TimeoutError, match=r"within 0\.4 s"), smtp("127.0.0.1", port, 30, SECONDS, trusted):
            pytest.fail("it greeted")


def test_no_other_module_calls_servers_without_a_deadline() -> None:
    direct = re.compile(
        r"requests\.(get|post|put|patch|delete|head|request|Session)\(|=requests\.Session\b|smtplib\.SMTP(_SSL)?\("
    )
    folders = ("nervesys", "alerting", "exporters", "reports", "commands", "dashboards")
    found = [
        str(path.relative_to(ROOT))
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if direct.search(path.read_text())
    ]
    assert found == ["nervesys/clients/bounded_http.py"]

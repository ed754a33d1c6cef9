"""Calls over HTTP end in time and size, however the server behaves; mail servers are left in time, too.

Covers: nervesys.clients.bounded_smtp.
"""

import gzip
import re
import ssl
from pathlib import Path

import pytest
import requests

from nervesys.clients.bounded_http import BoundedAdapter, bounded_session, call
from nervesys.clients.bounded_smtp import smtp
from nervesys.clients.http_errors import ResponseTooLarge, cause
from tests.servers.certificates import certify
from tests.servers.trickling import HEAD, trickling

ROOT = Path(__file__).parents[3]
SECONDS = 0.4
SIZE = 1 << 17


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
    with trickling(first, b"1", context) as url, pytest.raises(requests.Timeout, match=r"within 0\.4 s") as failure:
        call("GET", url, SECONDS, verify=str(certificate))
    assert cause(failure.value) == "timed out"


def test_also_by_a_connection_that_an_earlier_call_opened() -> None:
    ok = HEAD + b"Content-Length: 2\r\n\r\nok"
    with trickling(ok) as url, bounded_session(SECONDS) as session:
        assert [session.get(url).text for _ in range(2)] == ["ok", "ok"]
    with trickling(HEAD + b"Content-Length: 1\r\n\r\n1" + ok) as url, bounded_session(SECONDS) as session:
        assert session.get(url).text == "1"


def test_no_retry_outlives_the_deadline() -> None:
    with (
        trickling(HEAD + b"X-Long: ", b"1") as url,
        bounded_session(SECONDS, retries=9) as session,
        pytest.raises(requests.Timeout, match=r"within 0\.4 s"),
    ):
        session.get(url)


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
    with trickling(head, b"1") as url, pytest.raises(ResponseTooLarge, match="more than 4096 bytes") as failure:
        call("GET", url, 5, 4096)
    assert cause(failure.value) == "the response is too large"


def test_by_size_a_response_that_arrives_fast_enough_may_take_longer() -> None:
    """It takes 0.8 s of 0.4."""
    size = 40 << 16
    with trickling(HEAD + b"Content-Length: %d\r\n\r\n" % size, bytes(1 << 16)) as url, requests.Session() as session:
        session.mount(url, BoundedAdapter(SECONDS, by_size=True))
        assert len(session.get(url).content) == size


@pytest.mark.parametrize("secure", [False, True])
def test_a_mail_server_that_trickles_is_left_at_the_deadline(secure: bool, tmp_path: Path) -> None:
    context, trusted = None, None
    if secure:
        certify(tmp_path / "cert.pem", tmp_path / "key.pem")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
        trusted = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    with trickling(b"220-hello", b"x", context, greets=True) as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(TimeoutError, match=r"within 0\.4 s"), smtp("127.0.0.1", port, 30, SECONDS, trusted):
            pytest.fail("it greeted")


def test_no_other_module_calls_servers_without_a_deadline() -> None:
    direct = re.compile(
        r"requests\.(get|post|put|patch|delete|head|request|Session)\(|=requests\.Session\b|smtplib\.SMTP(_SSL)?\("
        r"|http\.client\.HTTPS?Connection\((?!self)|httplib2\.Http\(|urlopen\(|httpx2?\.(get|post|Client)\("
    )
    folders = ("nervesys", "alerting", "exporters", "reports", "commands", "dashboards")
    found = [
        str(path.relative_to(ROOT))
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if direct.search(path.read_text())
    ]
    assert found == ["nervesys/clients/bounded_http.py"]

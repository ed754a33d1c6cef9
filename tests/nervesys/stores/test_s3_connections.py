"""A store that sends too slowly, or too much, holds no caller; a large object is not cut.

Covers: nervesys.clients.watched_pools, nervesys.stores.s3_connections, nervesys.stores.s3_errors.
"""

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from nervesys.errors import StoreUnavailable
from nervesys.stores.s3 import S3Store
from tests.servers.certificates import certify
from tests.servers.s3 import settings_of
from tests.servers.trickling import HEAD, PHASES, trickling

CALLS: dict[str, Callable[[S3Store], object]] = {
    "get": lambda store: store.get("a", max_bytes=1 << 20),
    "open": lambda store: store.open("a").__enter__(),
    "list": lambda store: store.list("a/"),
    "put": lambda store: store.put("a", b"1"),
    "delete": lambda store: store.delete("a"),
}
SIZE = 40 << 16


def _store(url: str) -> S3Store:
    return S3Store(settings_of(url).model_copy(update={"timeout_seconds": 0.1}))


@pytest.mark.parametrize(("call", "phase"), [*((call, "headers") for call in CALLS), ("get", "body"), ("list", "body")])
def test_a_store_that_trickles_is_left_at_the_deadline(call: str, phase: str) -> None:
    with trickling(PHASES[phase], b"1") as url, pytest.raises(StoreUnavailable, match=r"timed out after 0\.3 s"):
        CALLS[call](_store(url))


def test_so_is_one_with_tls_and_an_authority_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certify(tmp_path / "cert.pem", tmp_path / "key.pem")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "cert.pem"))
    with trickling(PHASES["body"], b"1", tls) as url, pytest.raises(StoreUnavailable, match=r"timed out after 0\.\d s"):
        _store(url).list("a/")


def test_a_body_without_a_length_that_is_cut_is_not_complete() -> None:
    with (
        trickling(PHASES["body without a length"], b"1") as url,
        pytest.raises(StoreUnavailable, match=r"timed out after 0\.3 s"),
    ):
        _store(url).get("a", max_bytes=1 << 20)


def test_an_object_that_arrives_fast_enough_may_take_longer_than_the_deadline() -> None:
    """It takes 0.8 s of 0.3."""
    head = HEAD + b"Content-Length: %d\r\n\r\n" % SIZE
    with trickling(head, bytes(1 << 16)) as url, _store(url).open("a") as stream:
        assert len(stream.read()) == SIZE


@pytest.mark.parametrize("status", [200, 500])
def test_a_response_has_a_largest_size(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nervesys.stores.s3_connections.MAX_BYTES", 4096)
    head = b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, SIZE) + bytes(1 << 16)
    with trickling(head, b"1") as url, pytest.raises(StoreUnavailable, match="the response is too large"):
        _store(url).list("a/")

"""The model's client is held neither by an API that sends too slowly nor by one that sends too much."""

import gzip

import httpx2
import pytest

from nervesys.analysis.bounded_transport import BoundedTransport
from tests.servers.trickling import HEAD, PHASES, trickling

SECONDS = 0.3


@pytest.mark.parametrize("phase", ["headers", "body"])
def test_an_api_that_trickles_is_left_at_the_deadline(phase: str) -> None:
    with (
        trickling(PHASES[phase], b"1") as url,
        httpx2.Client(transport=BoundedTransport(SECONDS)) as client,
        pytest.raises(httpx2.ReadTimeout),
    ):
        client.post(url, json={})


def test_a_response_has_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nervesys.analysis.bounded_transport.MAX_BYTES", 4096)
    with (
        trickling(PHASES["body"] + bytes(1 << 16), b"1") as url,
        httpx2.Client(transport=BoundedTransport(30)) as client,
        pytest.raises(httpx2.NetworkError),
    ):
        client.post(url, json={})


def test_a_packed_response_is_unpacked_once() -> None:
    body = gzip.compress(b'{"a": 1}')
    head = HEAD + b"Content-Encoding: gzip\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    with trickling(head + body) as url, httpx2.Client(transport=BoundedTransport(30)) as client:
        assert client.post(url, json={}).json() == {"a": 1}

"""What runs on and on waits for a brain that it never saw: alive, not ready, and it says why.

Covers: commands.not_ready_app.
"""

import logging
import socket
from functools import partial

import pytest
import requests

from commands import waiting
from commands.not_ready_app import serve_not_ready
from nervesys.errors import BrainUnavailable

AWAY = "fetch main of file:///brain.git: gone"


@pytest.fixture
def address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"127.0.0.1:{probe.getsockname()[1]}"


def test_it_asks_again_and_says_so(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    slept: list[float] = []
    monkeypatch.setattr("commands.waiting.sleep", slept.append)

    def read() -> str:
        if len(slept) < 7:
            raise BrainUnavailable(AWAY)
        return "read"

    with caplog.at_level(logging.WARNING, "nervesys"):
        assert waiting.wait_for_brain(read) == "read"
    assert slept == [1, 2, 5, 10, 30, 60, 60]
    assert caplog.messages[0] == f"{AWAY}; next attempt in 1 s"


def test_meanwhile_it_is_alive_and_not_ready(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, tuple[int, str]] = {}

    def look(_: float) -> None:
        for path in ("/-/healthy", "/-/ready", "/metrics"):
            answer = requests.get(f"http://{address}{path}", timeout=5)
            seen[path] = answer.status_code, answer.text

    def read() -> bool:
        if not seen:
            raise BrainUnavailable(AWAY)
        return True

    monkeypatch.setattr("commands.waiting.sleep", look)
    assert waiting.wait_for_brain(read, partial(serve_not_ready, lambda _: address))
    why = (503, f"{AWAY}\n")
    assert seen == {"/-/healthy": (200, "healthy\n"), "/-/ready": why, "/metrics": why}
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://{address}/-/healthy", timeout=5)

"""What commands share."""

import logging

import pytest

from nervesys.cli import options
from nervesys.errors import BrainUnavailable


def test_what_serves_waits_for_its_brain_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("nervesys.cli.options.time.sleep", slept.append)

    def read() -> str:
        if len(slept) < 7:
            raise BrainUnavailable("fetch file:///brain.git: gone")
        return "read"

    with caplog.at_level(logging.WARNING):
        assert options.awaited(read) == "read"
    assert slept == [1, 2, 5, 10, 30, 60, 60]
    assert caplog.messages[0] == "fetch file:///brain.git: gone; asked again in 1 s"

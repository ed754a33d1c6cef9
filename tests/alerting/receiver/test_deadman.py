"""The dead-man's switch: posted once, by a path of its own, again until the outside was reached."""

import asyncio
import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from pydantic import SecretStr

from alerting.receiver.deadman import DeadmanSwitch
from alerting.receiver.metrics import INSTRUMENTS
from nervesys.metrics import Instruments


class Outside(HTTPServer):
    """Somebody outside, who can be away."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[str] = []
        self.status = 200


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        assert isinstance(self.server, Outside)
        if self.server.status == 200:
            self.server.received.append(json.loads(body)["status"])
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def measured(shown: Instruments) -> tuple[float | None, float | None]:
    """Whether it is silent, and when the Watchdog was last received."""
    silent, received = (f"nervesys_{name}" for name in ("watchdog_missing", "watchdog_last_received_timestamp_seconds"))
    return shown.registry.get_sample_value(silent), shown.registry.get_sample_value(received)


def test_silence_is_posted_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    now = [1000.0]
    with Outside() as outside:
        thread = threading.Thread(target=outside.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        url = SecretStr(f"http://127.0.0.1:{outside.server_port}/secret-path")
        shown = Instruments("receiver", INSTRUMENTS)
        deadman = DeadmanSwitch(300, url, shown, lambda: now[0])
        for seconds, status in ((300, 200), (1, 500), (5, 200), (5, 200)):
            now[0] += seconds
            outside.status = status
            asyncio.run(deadman.turn())
        assert outside.received == ["firing"]
        assert measured(shown) == (1, 1000)
        deadman.record_watchdog()
        for _ in range(2):
            asyncio.run(deadman.turn())
        outside.shutdown()
        thread.join()
    assert outside.received == ["firing", "resolved"]
    assert measured(shown) == (0, 1311)
    assert [record.levelno for record in caplog.records if "Watchdog" in record.message] == [
        logging.ERROR,
        logging.WARNING,
        logging.WARNING,
    ]
    assert "secret-path" not in caplog.text

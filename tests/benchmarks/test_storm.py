"""What a storm's figures are made from.

Covers: benchmarks.storm, benchmarks.simulator.pages, benchmarks.simulator.killed.
"""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from alerting.journal.tables import episodes, metadata
from benchmarks.simulator.killed import JournalReader, KilledAgent
from benchmarks.simulator.pages import WatchedPages, Webhooks, read_webhooks
from benchmarks.storm import StormSeen

METRICS = b"""\
alertmanager_notifications_total{integration="email"} 7
alertmanager_notifications_total{integration="webhook"} 40
alertmanager_notifications_failed_total{integration="webhook",reason="other"} 1
alertmanager_notifications_failed_total{integration="webhook",reason="contextDeadlineExceeded"} 2
alertmanager_notification_requests_failed_total{integration="webhook"} 5
alertmanager_notification_latency_seconds_sum{integration="webhook"} 10
alertmanager_notification_latency_seconds_count{integration="webhook"} 20
"""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/metrics" else 500)
        self.send_header("Content-Length", str(len(METRICS)))
        self.end_headers()
        self.wfile.write(METRICS)

    def log_message(self, *args: object) -> None:
        """Print nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def test_webhooks_are_summed_over_the_reasons_of_their_failures(address: str) -> None:
    assert read_webhooks(address) == Webhooks(sent=40, failed=3, failed_requests=5, mean_seconds=0.5)


def test_a_page_that_fails_counts_as_one_that_took_too_long(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.simulator.pages.EVERY_SECONDS", 0.05)
    pages = WatchedPages({"good": f"http://{address}/metrics", "bad": f"http://{address}/"})
    with pages.watched():
        while not (pages.seconds["good"] and pages.seconds["bad"]):
            time.sleep(0.05)
    assert max(pages.seconds["good"]) < 60 == min(pages.seconds["bad"])
    assert pages.largest["good"] == len(METRICS)


def test_agents_that_never_come_back_leave_the_last_share_open() -> None:
    agents = [KilledAgent(0, proven=1000.0 + 10 * number) for number in range(9)] + [KilledAgent(0)]
    storm = StormSeen(agents, ended=1000, calls=0)
    assert [storm.back_after(share) for share in (0.5, 0.9, 1)] == [40, 80, None]


def test_each_proof_is_read_once(tmp_path: Path) -> None:
    file = tmp_path / "journal.sqlite3"
    engine = create_engine(f"sqlite:///{file}")
    metadata.create_all(engine)
    reader = JournalReader(file)
    row: dict[str, object] = {column.name: 0 for column in episodes.columns if not column.nullable}
    row["action"] = "restart_agent"
    with engine.begin() as connection:
        rows = [
            row | {"id": 1, "agent": "agent-00007", "state": "recovered", "closed_at": 5.0, "test": False},
            row | {"id": 2, "agent": "agent-00008", "state": "running", "closed_at": None, "test": False},
            row | {"id": 3, "agent": "*", "state": "recovered", "closed_at": 6.0, "test": False},
        ]
        connection.execute(episodes.insert(), rows)
    assert [list(reader.proven()), list(reader.proven())] == [[(7, 5.0)], []]

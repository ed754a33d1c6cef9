"""Benchmark 3: alerts journalled a second, each answered only once it is on disk.

The baselines are the same web framework that only parses, and the same with one bare commit a request, at the same
durability. All of them write to the same disk, and serve the same clients.
"""

import json
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psutil
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from alerting.journal import Journal, Writer
from alerting.model import read_alerts
from alerting.receiver.fleet import FleetConfig
from alerting.receiver.inbox import Inbox
from alerting.receiver.metrics import INSTRUMENTS
from alerting.receiver.web import ReceiverApi
from benchmarks.http_load import send
from benchmarks.measure import BenchmarkReport
from benchmarks.servers import process
from benchmarks.servers import run as run_server
from nervesys.clock import system_clock
from nervesys.metrics import Instruments
from nervesys.settings import AgentConfig, FolderTree, load, shipped_root

PATH = "/api/v1/alertmanager"
TOKEN = "a-token"  # noqa: S105  # of this benchmark only
REQUESTS = 5_000
STORM = 10_000
STORM_GROUP = 100
P99_MILLISECONDS = 50


def run(report: BenchmarkReport, *, large: bool, short: bool) -> None:  # noqa: ARG001  # every benchmark takes the same flags
    """Measure single alerts against both baselines, then a storm."""
    count = 200 if short else REQUESTS
    with tempfile.TemporaryDirectory() as folder:
        each = {
            server: _each(server, Path(folder), count)
            for server in (_serve_parser, _serve_bare_commit, _serve_receiver)
        }
        report.ratio("one alert, against parsing alone", each[_serve_receiver], each[_serve_parser])
        report.ratio(
            "one alert, against one bare commit each", each[_serve_receiver], each[_serve_bare_commit], at_most=1
        )
        report.fact("alerts a second, each in a request of its own", f"{1 / each[_serve_receiver]:,.0f}")
        with process(_serve_receiver, Path(folder)) as served:
            paced = send(served.port, list(_requests(count // 2, 1, "paced")), every=2 * each[_serve_receiver])
        report.limit("p99 of the answer at half that load, ms", round(paced.quantile(0.99) * 1000), P99_MILLISECONDS)
        _storm(report, Path(folder), 300 if short else STORM)


def _each(server: Callable[..., None], folder: Path, count: int) -> float:
    """Seconds a request, with every connection in use."""
    with process(server, folder) as served:
        send(served.port, list(_requests(count // 10, 1, "warm")))
        return send(served.port, list(_requests(count, 1, "one"))).each


def _storm(report: BenchmarkReport, folder: Path, alerts: int) -> None:
    """The same alerts again and again, as an Alertmanager that was held up sends them."""
    journal = folder / "storm"
    journal.mkdir()
    with process(_serve_receiver, journal) as served:
        grown = [psutil.Process(served.pid).memory_info().rss]
        for _ in range(4):
            sent = send(served.port, list(_requests(alerts, STORM_GROUP, "storm")))
            grown.append(psutil.Process(served.pid).memory_info().rss)
    with closing(sqlite3.connect(journal / "journal.sqlite3")) as connection:
        (rows,) = connection.execute("SELECT count(*) FROM alerts").fetchone()
    report.fact(f"storm of {alerts:,} alerts in requests of {STORM_GROUP}", f"{alerts / sent.wall:,.0f} a second")
    report.limit("rows of four such storms of the same alerts", rows, alerts)
    report.fact("memory before, and after each storm, MB", ", ".join(str(rss >> 20) for rss in grown))
    report.limit("memory grown from the second storm to the fourth, MB", (grown[4] - grown[2]) >> 20, 20)


def _requests(alerts: int, group: int, name: str) -> Iterator[bytes]:
    """Whole requests, each with a group of alerts that nobody sent before."""
    for first in range(0, alerts, group):
        body = json.dumps({"version": "4", "alerts": [_alert(f"{name}-{n}") for n in range(first, first + group)]})
        head = (
            f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        yield (head + body).encode()


def _alert(fingerprint: str) -> dict[str, object]:
    labels = {"alertname": "AgentDown", "agent": "grok", "severity": "critical"}
    return {
        "status": "firing",
        "labels": labels,
        "annotations": {"summary": "grok is down", "description": "No heartbeat for more than 5 minutes."},
        "startsAt": "2027-01-15T08:00:00Z",
        "fingerprint": fingerprint,
    }


def _serve_receiver(folder: Path, port: int) -> None:
    """The receiver's own pages on a journal of its own."""
    journal = Journal.open(f"sqlite:///{folder / 'journal.sqlite3'}")
    fleet = FleetConfig(load().settings, {"grok": AgentConfig(name="grok")}, read_alerts(FolderTree(shipped_root()))[0])
    writer = Writer(journal)
    desk = ReceiverApi(
        journal=journal,
        inbox=Inbox(writer, system_clock, lambda _: None),
        writer=writer,
        fleet=lambda: fleet,
        instruments=Instruments("receiver", INSTRUMENTS),
        token=SecretStr(TOKEN),
        body_bytes=16 << 20,
        clock=system_clock,
        journalled=lambda _: None,
        watchdog=lambda: None,
    )
    run_server(Starlette(routes=desk.routes()), port)


def _serve_parser(_: Path, port: int) -> None:
    """Reads the body, and keeps nothing."""

    async def webhook(request: Request) -> JSONResponse:
        return JSONResponse({"received": len(json.loads(await request.body())["alerts"])})

    run_server(Starlette(routes=[Route(PATH, webhook, methods=["POST"])]), port)


def _serve_bare_commit(folder: Path, port: int) -> None:
    """Writes the body down as it is, in one commit a request."""
    connection = sqlite3.connect(folder / "bare.sqlite3", isolation_level=None)
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "CREATE TABLE alerts (body)"):
        connection.execute(statement)

    async def webhook(request: Request) -> JSONResponse:
        body = await request.body()
        received = len(json.loads(body)["alerts"])
        connection.execute("INSERT INTO alerts VALUES (?)", (body,))
        return JSONResponse({"received": received})

    run_server(Starlette(routes=[Route(PATH, webhook, methods=["POST"])]), port)

"""Benchmark: an event history, against the standard library's file handler and bare parsing of the same lines."""

import gzip
import json
import logging
import tempfile
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from benchmarks.measure import BenchmarkReport, measure_best, measure_once
from exporters.runner import Cache, Health, Refresh
from exporters.workspace.area import WorkspaceArea
from exporters.workspace.project import FAMILIES
from nervesys.clock import system_clock
from nervesys.workspace.history import History
from nervesys.workspace.segments import Segments

REPLAYED = "replay"
PAYLOAD = {"repository": "nervesys", "file": "main.py", "tokens": 120, "duration_ms": 250}


class JsonLines(logging.Formatter):
    """One record as one line of JSON, as the standard library's users write it."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        event = {"type": record.getMessage(), "timestamp": self.formatTime(record), "payload": vars(record)["payload"]}
        return json.dumps(event)


def run(report: BenchmarkReport, *, large: bool, short: bool) -> None:  # noqa: ARG001  # every benchmark takes the same flags
    """Measure appending, and replaying what was appended."""
    appends, events = (500, 2_000) if short else (50_000, 1_000_000)
    with tempfile.TemporaryDirectory() as name:
        _append(report, Path(name), appends)
        _replay(report, Path(name) / "projects" / REPLAYED, events)
        _refresh(report, Path(name) / "projects")


def _append(report: BenchmarkReport, folder: Path, count: int) -> None:
    def append() -> None:
        for _ in range(count):
            history.append("task.done", PAYLOAD)

    def handle() -> None:
        for _ in range(count):
            logger.info("task.done", extra={"payload": PAYLOAD})

    with History(folder / "append") as history, _logger(folder / "handler.log") as logger:
        measured, baseline = measure_best(append), measure_best(handle)
    report.fact("append: events a second", f"{count / measured.wall:,.0f}")
    report.ratio("append against a JSON FileHandler", measured.wall, baseline.wall, at_most=0.6)


@contextmanager
def _logger(path: Path) -> Iterator[logging.Logger]:
    logger, handler = logging.getLogger("bench"), logging.FileHandler(path)
    handler.setFormatter(JsonLines())
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    yield logger
    logger.removeHandler(handler)
    handler.close()


def _replay(report: BenchmarkReport, folder: Path, count: int) -> None:
    with History(folder) as history:
        for _ in range(count):
            history.append("task.done", PAYLOAD)
    with History(folder) as history:
        measured = measure_best(lambda: deque(history.replay(), maxlen=0))
        assert sum(1 for _ in history.replay()) == count
    baseline = measure_best(lambda: _parse(folder))
    report.fact(f"replay of {count:,} events: events a second", f"{count / measured.wall:,.0f}")
    report.ratio("replay against bare orjson on the same files", measured.wall, baseline.wall, at_most=1 / 0.6)


def _refresh(report: BenchmarkReport, folder: Path) -> None:
    """The exporter's passes over what `_replay` left, and the same again where one event was added."""
    health = Health("workspace", system_clock)
    projects, out = WorkspaceArea(folder, Cache()), Refresh(FAMILIES, health.reject)

    def read() -> None:
        out.backlog = 1
        while out.backlog:
            projects.refresh(out)

    def add_and_read() -> None:
        history.append("task.done", PAYLOAD)
        read()

    whole = measure_once(read)
    with History(folder / REPLAYED) as history:
        steady = measure_best(add_and_read)
    report.ratio("steady refresh of the source against a full read", steady.wall, whole.wall, at_most=1 / 20)


def _parse(folder: Path) -> None:
    segments = Segments(folder, "history")
    for path in (*segments.closed().values(), segments.live):
        body = path.read_bytes()
        for line in (gzip.decompress(body) if path.suffix == ".gz" else body).splitlines():
            orjson.loads(line)

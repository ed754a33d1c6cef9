"""Benchmark 4: what one log call costs its caller, and what an agent that logs a lot costs its machine.

The baselines are the standard library's FileHandler with a formatter that writes the same JSON, and its QueueHandler
before that. All of them log at the same pace, and write during the measurement; so what a thread in the background
takes from the caller counts.
"""

import gzip
import json
import logging
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import QueueHandler, QueueListener
from pathlib import Path
from typing import Any

from benchmarks.logging_agent import BURST, PACE, messages, paced
from benchmarks.measure import BenchmarkReport
from nervesys.agent.background_loops import COMMIT_SECONDS
from nervesys.agent.logs.buffer import LogBuffer
from nervesys.agent.logs.handler import BufferHandler, LoggedRecord
from nervesys.agent.logs.records import RecordEncoder
from nervesys.contract import format_time
from nervesys.redact import DEFAULT_REDACTOR
from nervesys.stores.packing import GZIP_LEVEL, ZSTD_LEVEL, pack
from tests.servers.s3 import ACCESS_KEY, SECRET_KEY, rclone

CAP = 100_000_000
SHIPPED = b'"agent_id":"grok","level":"INFO","category":"activity"'
"""In each record of the author's."""
log = logging.getLogger("benchmark")


def run(report: BenchmarkReport, *, large: bool, short: bool) -> None:  # noqa: ARG001  # every benchmark takes the same flags
    """Measure the call, the pace that is held, and the bytes shipped."""
    _calls(report, seconds=0.5 if short else 2.5, times=1 if short else 4)
    _sustained(report, seconds=2 if short else 20)
    _bytes(report, 2_000 if short else 30_000)


def _calls(report: BenchmarkReport, seconds: float, times: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        costs: dict[str, list[float]] = {}
        for _ in range(times):  # in turn, so that a busy moment of the machine meets all of them
            for name, open_handler in (("file", _file), ("queue", _queue), ("buffer", _buffer)):
                with open_handler(Path(folder)) as handler:
                    costs.setdefault(name, []).append(_call(handler, seconds))
    file, queued, ours = (min(costs[name]) for name in ("file", "queue", "buffer"))
    report.ratio("one log call, against FileHandler with JSON", ours, file, at_most=0.6)
    report.ratio("one log call, against QueueHandler", ours, queued)


def _call(handler: logging.Handler, seconds: float) -> float:
    """Seconds that one call takes its caller, at the pace."""
    log.handlers, log.propagate = [handler], False
    log.setLevel(logging.INFO)
    taken, bursts = 0.0, int(seconds * PACE / BURST)
    for burst in paced(range(bursts), BURST / PACE):
        began = time.perf_counter()
        for number in range(BURST):
            log.info(
                "reviewed %s of %s: %d remarks", "cart.py", "shop", burst + number,
                extra={"action": "review", "context": {"repository": "shop", "duration_ms": number}},
            )  # fmt: skip
        taken += time.perf_counter() - began
    return taken / (bursts * BURST)


class Json(logging.Formatter):
    """The same record, as the standard library's tools would write it."""

    def format(self, record: logging.LogRecord) -> str:
        """A line of JSON."""
        fields = {
            "timestamp": format_time(record.created),
            "agent_id": "grok",
            "level": record.levelname,
            "category": "activity",
            "action": getattr(record, "action", record.name),
            "message": record.getMessage(),
            "context": getattr(record, "context", {}),
        }
        return json.dumps(fields)


@contextmanager
def _file(folder: Path) -> Iterator[logging.Handler]:
    handler = logging.FileHandler(folder / "file.jsonl")
    handler.setFormatter(Json())
    yield handler
    handler.close()


@contextmanager
def _queue(folder: Path) -> Iterator[logging.Handler]:
    waiting: queue.Queue[Any] = queue.Queue()
    with _file(folder) as file:
        listener = QueueListener(waiting, file)
        listener.start()
        yield QueueHandler(waiting)
        listener.stop()


@contextmanager
def _buffer(folder: Path) -> Iterator[logging.Handler]:
    buffer = LogBuffer(folder / "buffer.sqlite3", CAP, RecordEncoder("grok", "benchmark", DEFAULT_REDACTOR).runs)
    over = threading.Event()

    def commit() -> None:
        while not over.wait(COMMIT_SECONDS):
            buffer.commit()

    thread = threading.Thread(target=commit)
    thread.start()
    yield BufferHandler(buffer.append, DEFAULT_REDACTOR.text)
    over.set()
    thread.join()
    buffer.commit()
    buffer.close()


def _sustained(report: BenchmarkReport, seconds: float) -> None:
    """A whole agent in a process of its own that logs, commits and ships to a real S3 server."""
    with tempfile.TemporaryDirectory() as name, rclone(Path(name) / "s3") as endpoint:
        brain = Path(name) / "brain/config/agents"
        brain.mkdir(parents=True)
        (brain / "grok.yaml").write_text("agent: {name: grok, buffer: {flush_on_size_mb: 10}}")
        variables = {
            "NERVESYS_HOME": f"{name}/home",
            "NERVESYS_BRAIN": f"{name}/brain",
            "STORJ_ENDPOINT": endpoint,
            "STORJ_ACCESS_KEY": ACCESS_KEY,
            "STORJ_SECRET_KEY": SECRET_KEY,
        }
        argv = (sys.executable, "-m", "benchmarks.logging_agent", str(seconds))
        result = json.loads(subprocess.run(argv, env=os.environ | variables, capture_output=True, check=True).stdout)
        shipped = list((Path(name) / "s3").rglob("*.jsonl.gz"))
        records = sum(gzip.decompress(file.read_bytes()).count(SHIPPED) for file in shipped)
    report.fact(f"an agent at {PACE:,} records a second: objects shipped", str(len(shipped)))
    report.limit("  records missing in the store", int(seconds * PACE) - records, 0)
    report.limit("  of one core, %", round(100 * result["cpu"], 1), 10)
    report.limit("  memory that logging takes, MB", result["grown"] >> 20, 64)
    report.fact("  memory of the whole process, MB", str(result["memory"] >> 20))


def _bytes(report: BenchmarkReport, count: int) -> None:
    """How much smaller what is shipped is than its JSON."""
    records = [
        LoggedRecord(
            1_767_225_600 + at * 0.37, logging.INFO, "agents.grok", text, extra["action"], None, context, metadata
        )
        for at, (text, extra) in zip(range(count), messages(), strict=False)
        for context, metadata in [[json.dumps(extra[key]) for key in ("context", "metadata")]]
    ]
    lines = [run.lines for run in RecordEncoder("grok", "5f2c9e81-7a34", DEFAULT_REDACTOR).runs(records)]
    raw = sum(map(len, lines))
    report.fact("bytes of one record as JSON", str(raw // count))
    for name, key in ((f"gzip {GZIP_LEVEL}", "x.gz"), (f"zstd {ZSTD_LEVEL}", "x.zst")):
        began = time.process_time()
        body = pack(lines, key)
        each = (time.process_time() - began) / count
        report.share(f"shipped by {name} ({each * 1e6:.1f} µs a record)", len(body), raw, at_most=1 / 7)

"""Benchmark 4: what one log call costs its caller, and what an agent that logs a lot costs its machine.

The baselines are the standard library's FileHandler with a formatter that writes the same JSON, and its QueueHandler
before that. All of them log at the same pace, and write during the measurement; so what a thread in the background
takes from the caller counts.
"""

import gzip
import json
import logging
import multiprocessing
import queue
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from logging.handlers import QueueHandler, QueueListener
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from benchmarks.measure import Report
from nervesys.agent import Agent
from nervesys.agent.buffer import Buffer
from nervesys.agent.duties import COMMIT_SECONDS
from nervesys.agent.handler import BufferHandler, Said
from nervesys.agent.records import Scribe
from nervesys.contract import format_time
from nervesys.redact import KNOWN
from nervesys.stores.packing import pack
from tests.servers.s3 import rclone, settings_of

PACE = 5_000
"""Records a second."""
BURST = 100
"""Logged one after the other, as work does; then a pause."""
CAP = 100_000_000
SHIPPED = b'"level":"INFO","category":"activity","action"'
"""In each record of the author's."""
log = logging.getLogger("benchmark")


def run(report: Report, *, large: bool, short: bool) -> None:  # noqa: ARG001  # every benchmark takes the same flags
    """Measure the call, the pace that is held, and the bytes shipped."""
    _calls(report, seconds=0.5 if short else 2.5, times=1 if short else 4)
    _sustained(report, seconds=2 if short else 20)
    _bytes(report, 2_000 if short else 30_000)


def _calls(report: Report, seconds: float, times: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        costs: dict[str, list[float]] = {}
        for _ in range(times):  # in turn, so that a busy moment of the machine meets all of them
            for name, opened in (("file", _file), ("queue", _queue), ("buffer", _buffer)):
                with opened(Path(folder)) as handler:
                    costs.setdefault(name, []).append(_call(handler, seconds))
    file, queued, ours = (min(costs[name]) for name in ("file", "queue", "buffer"))
    report.ratio("one log call, against FileHandler with JSON", ours, file, at_most=0.6)
    report.ratio("one log call, against QueueHandler", ours, queued)


def _call(handler: logging.Handler, seconds: float) -> float:
    """Seconds that one call takes its caller, at the pace."""
    log.handlers, log.propagate = [handler], False
    log.setLevel(logging.INFO)
    taken, bursts = 0.0, int(seconds * PACE / BURST)
    for burst in _paced(range(bursts), BURST / PACE):
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
    kept = Buffer(folder / "buffer.sqlite3", CAP, Scribe("grok", "benchmark", KNOWN).runs)
    over = threading.Event()

    def commit() -> None:
        while not over.wait(COMMIT_SECONDS):
            kept.commit()

    thread = threading.Thread(target=commit)
    thread.start()
    yield BufferHandler(kept.append, KNOWN.text)
    over.set()
    thread.join()
    kept.commit()
    kept.close()


def _sustained(report: Report, seconds: float) -> None:
    """A whole agent in a process of its own that logs, commits and ships to a real S3 server."""
    apart = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as name, rclone(Path(name) / "s3") as endpoint:
        ours, theirs = apart.Pipe()
        process = apart.Process(target=_agent, args=(Path(name), endpoint, seconds, theirs))
        process.start()
        said = ours.recv()
        process.join()
        shipped = list((Path(name) / "s3").rglob("*.jsonl.gz"))
        records = sum(
            gzip.decompress(file.read_bytes()).count(b'"agent_id":"grok","level":"INFO","category":"activity"')
            for file in shipped
        )
    report.fact(f"an agent at {PACE:,} records a second: objects shipped", str(len(shipped)))
    report.limit("  records missing in the store", int(seconds * PACE) - records, 0)
    report.limit("  of one core, %", round(100 * said["cpu"], 1), 10)
    report.limit("  memory that logging takes, MB", said["grown"] >> 20, 64)
    report.fact("  memory of the whole process, MB", str(said["memory"] >> 20))


def _agent(folder: Path, endpoint: str, seconds: float, out: Connection) -> None:
    brain = folder / "brain/config"
    (brain / "agents").mkdir(parents=True)
    (brain / "agents/grok.yaml").write_text("agent: {name: grok, buffer: {flush_on_size_mb: 10}}")
    settings = settings_of(endpoint)
    environ = {
        "STORJ_ENDPOINT": endpoint,
        "STORJ_ACCESS_KEY": settings.access_key.get_secret_value() if settings.access_key else "",
        "STORJ_SECRET_KEY": settings.secret_key.get_secret_value() if settings.secret_key else "",
    }
    messages = list(islice(_messages(), 5_000))
    with Agent("grok", home=str(folder / "home"), brain=str(brain.parent), server="host-1", environ=environ) as agent:
        time.sleep(2)  # what begins with it is over
        me = psutil.Process()
        before, cpu, began = me.memory_info().rss, time.process_time(), time.monotonic()
        for burst in _paced(range(int(seconds * PACE / BURST)), BURST / PACE):
            for number in range(BURST):
                text, extra = messages[(burst * BURST + number) % len(messages)]
                agent.log.info(text, extra=extra)
        used, lasted = time.process_time() - cpu, time.monotonic() - began
        most = _most_resident()
    out.send({"cpu": used / lasted, "memory": most, "grown": max(0, most - before)})


def _most_resident() -> int:
    """Bytes that this process had in memory at most (proc_pid_status(5)); `ru_maxrss` would count the parent too."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")))


def _bytes(report: Report, count: int) -> None:
    """How much smaller what is shipped is than its JSON."""
    said = [
        Said(1_767_225_600 + at * 0.37, logging.INFO, "agents.grok", text, extra["action"], None, context, metadata)
        for at, (text, extra) in zip(range(count), _messages(), strict=False)
        for context, metadata in [[json.dumps(extra[key]) for key in ("context", "metadata")]]
    ]
    lines = [run.lines for run in Scribe("grok", "5f2c9e81-7a34", KNOWN).runs(said)]
    raw = sum(map(len, lines))
    report.fact("bytes of one record as JSON", str(raw // count))
    for name, key in (("gzip 6", "x.gz"), ("zstd 9", "x.zst")):
        began = time.process_time()
        body = pack(lines, key)
        each = (time.process_time() - began) / count
        report.share(f"shipped by {name} ({each * 1e6:.1f} µs a record)", len(body), raw, at_most=1 / 7)


def _paced(steps: range, every: float) -> Iterator[int]:
    """The steps, one each so many seconds; late ones follow at once."""
    begin = time.perf_counter()
    for step in steps:
        time.sleep(max(0.0, begin + step * every - time.perf_counter()))
        yield step


WORDS = """
agent answer archive batch branch buffer cache call cart check client code commit config context cost count data
delay diff draft edge error event fetch field file fix flow graph group guard hash header index issue item job key
label layout limit line link list log loop merge message metric model module name note object order page parser path
plan pool port prompt query queue range read record refresh release report request result retry review root route
rule schema scope search server session shard signal slice snapshot source span stage state step store stream style
summary table target task test thread title trace tree type update user value version view window
""".split()  # noqa: SIM905  # so it is read with ease
ACTIONS = ("code_review", "research", "planning", "refactoring", "answering")


def _messages() -> Iterator[tuple[str, dict[str, Any]]]:
    """Records as varied as those of agents at work: templates, names, numbers, and free text."""
    dice = random.Random(4)
    while True:
        words = dice.choices(WORDS, k=dice.randint(4, 14))
        action = dice.choice(ACTIONS)
        text = dice.choice(
            (
                f"{action} done in {dice.randint(2, 9000)} ms: {' '.join(words)}",
                f"read {words[0]}/{words[1]}_{words[2]}.py, {dice.randint(1, 2000)} lines",
                f"asked the model about {' '.join(words)}; {dice.randint(20, 4000)} tokens",
                f"commit {dice.getrandbits(48):012x} changes {dice.randint(1, 40)} files of {words[3]}",
            )
        )
        context = {"repository": words[0], "file": f"{words[1]}/{words[2]}.py", "duration_ms": dice.randint(1, 90_000)}
        metadata = {"model_version": dice.choice(("grok-4", "grok-4-mini")), "tokens_used": dice.randint(10, 9000)}
        yield text, {"action": action, "context": context, "metadata": metadata}

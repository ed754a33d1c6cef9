"""OpenTelemetry: what an agent spends on a thousand spans a second, and the source `traces` on a new object.

The agent is a real process with a wrapped program that sends half a second's spans at once, as SDKs do; what it spends
on encoding, masking, its buffer and shipping counts, the program's own work does not.
"""

import gzip
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from benchmarks.idle import busy_seconds, running, until
from benchmarks.listing import CountingStore
from benchmarks.measure import BenchmarkReport, measure_once, seconds
from exporters.runner import Cache, Health, Refresh, SourceContext
from exporters.store.counted_objects import GRACE_SECONDS, RECHECKS
from exporters.traces.area import FAMILIES, TracesArea
from nervesys.clock import system_clock
from nervesys.contract.times import utc
from nervesys.settings import StartupSettings, load
from nervesys.stores.s3 import S3Store
from tests import otlp
from tests.brains import write
from tests.servers.s3 import ACCESS_KEY, BUCKET, SECRET_KEY, rclone, settings_of

SENDER = """
import os, sys, time, urllib.request
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
request = ExportTraceServiceRequest()
spans = request.resource_spans.add().scope_spans.add().spans
for number in range(500):
    span = spans.add(name="chat gpt-5", kind=3, trace_id=os.urandom(16), span_id=os.urandom(8))
    span.start_time_unix_nano, span.end_time_unix_nano = 1_800_000_000_000_000_000, 1_800_000_001_000_000_000
    for name in ("operation.name", "provider.name", "request.model", "response.model", "response.id", "output.type"):
        span.attributes.add(key=f"gen_ai.{name}").value.string_value = f"chat-{number}"
    for name in ("input_tokens", "output_tokens", "cache_read.input_tokens"):
        span.attributes.add(key=f"gen_ai.usage.{name}").value.int_value = number
    span.attributes.add(key="server.address").value.string_value = "api.example.org"
    span.attributes.add(key="url.full").value.string_value = "https://api.example.org/v1/chat/completions"
    span.attributes.add(key="gen_ai.input.messages").value.string_value = "a prompt of some length " * 20
body, url = request.SerializeToString(), os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/v1/traces"
headers, due = {"content-type": "application/x-protobuf"}, time.monotonic()
while True:
    urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=5).close()
    due += 0.5
    time.sleep(max(0, due - time.monotonic()))
"""
"""Sends a thousand spans of twelve attributes a second."""
CORE_PERCENT = 10
OBJECT_SPANS = 1000


def run(report: BenchmarkReport, *, large: bool, short: bool) -> None:  # noqa: ARG001  # every benchmark takes the same flags
    """Measure the intake, then the source."""
    _intake(report, 2 if short else 30)
    servers, days, objects = (2, 2, 3) if short else (20, 7, 144)
    with _store(servers, days, objects) as store, tempfile.TemporaryDirectory() as home:
        _source(report, store, Path(home), f"{servers * days * objects:,} objects", servers)


def _intake(report: BenchmarkReport, span_seconds: float) -> None:
    with tempfile.TemporaryDirectory() as name, rclone(Path(name) / "s3") as endpoint:
        folder = Path(name)
        variables = {
            "NERVESYS_HOME": str(folder / "home"),
            "NERVESYS_BRAIN": str(folder / "brain.git"),
            "STORJ_ENDPOINT": endpoint,
            "STORJ_ACCESS_KEY": ACCESS_KEY,
            "STORJ_SECRET_KEY": SECRET_KEY,
        }
        agent_file = b"agent: {name: grok, buffer: {flush_interval_minutes: 0.05}}"
        write(folder / "brain.git", {"config/agents/grok.yaml": agent_file})
        command = (
            sys.executable,
            "-m",
            "nervesys",
            "agent",
            "run",
            "grok",
            "--exec",
            "--",
            sys.executable,
            "-c",
            SENDER,
        )
        traces = folder / "s3" / BUCKET / "db/traces"
        with running(command, variables) as agent:
            until(traces.exists)  # something was shipped: all that starting costs is over
            busy = busy_seconds(agent, span_seconds)
            memory = agent.memory_info().rss
    percent = round(100 * busy / span_seconds, 1)
    report.limit("intake of 1000 spans a second, percent of a core", percent, CORE_PERCENT)
    report.fact("of these each span", seconds(busy / span_seconds / 1000))
    report.fact("resident, MB", f"{memory / 1e6:.0f}")


def _source(report: BenchmarkReport, store: S3Store, home: Path, shape: str, servers: int) -> None:
    counting = CountingStore(store)
    loaded, health = load(), Health("traces", system_clock)
    cache = Cache(home / "traces.sqlite3")
    context = SourceContext(StartupSettings(home), loaded.settings, loaded.agents, system_clock, cache, health)
    area, out = TracesArea(counting, context), Refresh(FAMILIES, health.reject)
    area.refresh(out)
    while out.backlog:
        area.refresh(out)
    body = gzip.compress(otlp.line(*(otlp.chat(gen_ai__usage__input_tokens=5) for _ in range(OBJECT_SPANS))))
    counting.lists = 0
    idle = measure_once(lambda: area.refresh(out))
    lists = counting.lists
    now = utc(system_clock())
    store.put(f"db/traces/server-00/{now:%Y-%m-%d}/{now:%H%M%S}_grok_new.jsonl.gz", body)
    busy = measure_once(lambda: area.refresh(out))
    days = len({utc(system_clock()).date(), utc(system_clock() - GRACE_SECONDS).date()})
    report.fact(f"[bold]{shape}[/]", "")
    report.limit("steady pass: LISTs", lists, servers * days + 2 + RECHECKS)
    report.within("steady pass, nothing new", idle.wall, 2.0)
    report.within(f"of a new object with {OBJECT_SPANS} spans, processor", max(0.0, busy.cpu - idle.cpu), 0.5)


@contextmanager
def _store(servers: int, days: int, objects: int) -> Iterator[S3Store]:
    body = gzip.compress(otlp.line(otlp.chat()), mtime=0)
    with tempfile.TemporaryDirectory() as folder:
        today = utc(system_clock()).date()
        for server in range(servers):
            for ago in range(days):
                day = Path(folder) / BUCKET / "db/traces" / f"server-{server:02}" / str(today - timedelta(ago))
                day.mkdir(parents=True)
                for number in range(objects):
                    (day / f"0000{number % 60:02}_grok_{number}.jsonl.gz").write_bytes(body)
        with rclone(Path(folder)) as endpoint:
            yield S3Store(settings_of(endpoint, timeout_seconds=600))

"""Benchmark 2: a scrape of many agents, and a refresh in which some of them changed.

Each server runs in a process of its own: ours, a bare handler of the same web server that sends the same bytes, and
prometheus_client's own with the same series. The refresh runs over a store in memory, so that no network is in it.
"""

import http.client
import re
import statistics
import threading
import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Gauge, start_http_server
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.fleet import Exporter, SyntheticFleet
from benchmarks.measure import BenchmarkReport, measure_best, measure_once
from benchmarks.servers import process
from benchmarks.servers import run as run_server
from nervesys.metrics import MetricsSnapshot
from nervesys.metrics.pages import CONTENT_TYPE, HttpProgram, application
from nervesys.settings import Web

AGENTS = 10_000


def run(report: BenchmarkReport, *, large: bool, short: bool) -> None:  # noqa: ARG001  # every benchmark takes the same flags
    """Measure scrapes against both baselines, then refreshes."""
    size = 50 if short else AGENTS
    snapshot = _snapshot(size)
    report.fact(f"{size:,} agents", f"{snapshot.series:,} series, {len(snapshot.plain) / 1e6:.1f} MB")
    report.fact("compressed", f"{len(snapshot.gzipped) / 1e6:.2f} MB")
    times = {
        server: _timed(server, size, short=short)
        for server in (_serve_exporter, _serve_bytes, _serve_prometheus_client)
    }
    for name, encoding, against_client in (("with gzip", "gzip", 1 / 200), ("without", "identity", 1 / 50)):
        ours, bare, client = (
            times[server][encoding] for server in (_serve_exporter, _serve_bytes, _serve_prometheus_client)
        )
        report.ratio(f"scrape {name} against prometheus_client's server", ours, client, at_most=against_client)
        report.ratio(f"scrape {name} against a bare handler", ours, bare, at_most=3)
    _refreshes(report, size)


def _refreshes(report: BenchmarkReport, size: int) -> None:
    """Each refresh against one that starts from nothing."""
    fleet = SyntheticFleet(size)
    whole = measure_best(lambda: _read_and_join(fleet.exporter()), 2)
    exporter = fleet.exporter()
    _read_and_join(exporter)
    for share in (0.01, 0.25, 1):
        read, join = [], []
        for _ in range(3):
            fleet.change(share)
            read.append(measure_once(exporter.read).wall)
            join.append(measure_once(exporter.join).wall)
        report.ratio(f"refresh, {share:.0%} changed, against all anew", min(read) + min(join), whole.wall)
        report.ratio("    of it: list, parse, render", min(read), whole.wall)
        report.ratio("    of it: join, compress", min(join), whole.wall)


def _read_and_join(exporter: Exporter) -> MetricsSnapshot:
    exporter.read()
    return exporter.join()


def _snapshot(size: int) -> MetricsSnapshot:
    return _read_and_join(SyntheticFleet(size).exporter())


def _serve_exporter(size: int, port: int) -> None:
    """The exporter's own pages."""
    snapshot = _snapshot(size)
    program = HttpProgram("benchmark", "A benchmark.", lambda: snapshot, lambda: None)
    run_server(application(program, Web()), port)


def _serve_bytes(size: int, port: int) -> None:
    """A handler that does nothing but send the same bytes."""
    snapshot = _snapshot(size)

    async def metrics(request: Request) -> Response:
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(snapshot.gzipped, headers={"content-encoding": "gzip"}, media_type=CONTENT_TYPE)
        return Response(snapshot.plain, media_type=CONTENT_TYPE)

    run_server(Starlette(routes=[Route("/metrics", metrics)]), port)


def _serve_prometheus_client(size: int, port: int) -> None:
    """prometheus_client's server over instruments of its own, one for each series."""
    registry = CollectorRegistry(auto_describe=False)
    gauges: dict[str, Gauge] = {}
    for line in _snapshot(size).plain.decode().splitlines():
        if line.startswith("#"):
            continue
        name, labels, value = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line).groups("")  # type: ignore[union-attr]  # our own text
        pairs = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        if name not in gauges:
            gauges[name] = Gauge(name, name, list(pairs), registry=registry)
        (gauges[name].labels(**pairs) if pairs else gauges[name]).set(float(value))
    start_http_server(port, "127.0.0.1", registry)
    threading.Event().wait()


def _timed(server: Callable[[int, int], None], size: int, *, short: bool) -> dict[str, float]:
    """Median seconds of a scrape, by encoding."""
    slow = server is _serve_prometheus_client
    times = 2 if short else 5 if slow else 40
    with process(server, size) as served:
        return {encoding: _median(served.port, encoding, times) for encoding in ("gzip", "identity")}


def _median(port: int, encoding: str, times: int) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    taken = []
    for _ in range(times + 1):
        began = time.perf_counter()
        connection.request("GET", "/metrics", headers={"Accept-Encoding": encoding})
        answer = connection.getresponse()
        answer.read()
        taken.append(time.perf_counter() - began)
    connection.close()
    return statistics.median(taken[1:])

"""`python -m benchmarks fleet`: the real programs against simulated fleets, in real time, with agents killed.

Exporters, Prometheus, Alertmanager, receiver and page run as they are generated and shipped; the receiver restarts the
killed agents. The aims are those for ten thousand agents. Durations depend on what else the machine does: its load is
printed too.
"""

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from benchmarks import fleet_rows
from benchmarks.fleet import Exporter
from benchmarks.fleet_run import FleetRun
from benchmarks.measure import BenchmarkReport, Cost, measure_once
from benchmarks.simulator.agents import name_of
from benchmarks.simulator.alerting_stand import start_alerting
from benchmarks.simulator.engine import EngineMode
from benchmarks.simulator.killed import JournalReader
from benchmarks.simulator.observations import Observations
from benchmarks.simulator.pages import WatchedPages
from benchmarks.simulator.prometheus import EXPECTED, EXPECTED_IN_STORM, WatchedPrometheus
from benchmarks.simulator.stand import SOURCES, Stand, simulated_stand
from benchmarks.storm import Storm, run_storm, storm_rows
from nervesys.clock import system_clock
from nervesys.settings import load
from nervesys.stores.s3 import S3Store
from tests.servers.s3 import settings_of

SIZES = (100, 1_000, 10_000)
MINUTES = 12
"""By default: an agent is dead after five, and sizes are measured every ten."""
PASS_INTERVAL = 15
"""Of the area `agents`."""
GETS = 300
LISTING_MICROSECONDS, GET_MILLISECONDS = 4, 0.5
BUILD_SECONDS = 10


def main(words: list[str]) -> int:
    """Run each size; 1 where an aim was missed."""
    options = _parser().parse_args(words)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the programs of the stand end, too
    console, missed = Console(width=None if sys.stdout.isatty() else 140), []
    storm = Storm(options.storm, options.storm_minutes * 60, EngineMode(options.cause)) if options.storm else None
    for size in options.agents:
        report = BenchmarkReport(f"A fleet of {size:,} agents, {options.minutes:g} minutes")
        with tempfile.TemporaryDirectory() as folder, simulated_stand(size, Path(folder)) as stand:
            run(report, console, stand, options.minutes * 60, options.kill_every, storm)
        console.print(report.table)
        missed += report.missed
    if missed:
        console.print(f"[red]Missed[/]: {'; '.join(missed)}")
    return 1 if missed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks fleet", description=__doc__)
    parser.add_argument("--agents", type=int, nargs="+", default=SIZES, help="sizes of fleets (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="of each (default: %(default)s)")
    parser.add_argument("--kill-every", type=float, default=60, help="seconds between two kills (default: %(default)s)")
    parser.add_argument(
        "--storm",
        type=float,
        nargs="?",
        const=0.6,
        metavar="SHARE",
        help="after that, kill a share of the fleet at one instant, while restarts fail (without a value: %(const)s)",
    )
    parser.add_argument(
        "--storm-minutes",
        type=float,
        default=5,
        metavar="MINUTES",
        help="that restarts fail, from when the killed agents count as dead (default: %(default)s)",
    )
    parser.add_argument(
        "--cause",
        choices=[EngineMode.DIES.value, EngineMode.REFUSES.value],
        default=EngineMode.DIES.value,
        help="why restarts fail: started agents die at once, or the engine refuses (default: %(default)s)",
    )
    return parser


def run(
    report: BenchmarkReport,
    console: Console,
    stand: Stand,
    seconds: float,
    kill_every: float,
    storm: Storm | None = None,
    silent_after: float | None = None,
) -> None:
    """Measure single requests, then run the programs for a while, and through a storm.

    Args:
        report: gets the rows.
        console: gets progress.
        stand: a simulated fleet.
        seconds: in which agents are killed; then those are waited for.
        kill_every: seconds between two kills.
        storm: None for none.
        silent_after: seconds after which an agent counts as dead; None for the shipped threshold.
    """
    _requests(report, stand)
    _pass_alone(report, stand)
    build_seconds = _start(report, console, stand)
    if silent_after is None:
        silent_after = load().settings.thresholds.heartbeat.down_after_seconds
    watched = WatchedPrometheus(stand.addresses["prometheus"])
    seen = Observations(stand, silent_after, watched, JournalReader(stand.home / "journal.sqlite3"))
    used = {name: sum(program.cpu_times()[:2]) for name, program in stand.programs.items()}
    fleet, began = FleetRun(seen, console), time.monotonic()
    pages = {name: f"http://{stand.addresses[name]}/" for name in ("receiver", "page")}
    urls = pages | {"receiver's metrics": f"http://{stand.addresses['receiver']}/metrics"}
    storm_seen, watched_pages = None, WatchedPages(urls)
    with watched_pages.watched():
        fleet.kill_one_by_one(seconds, kill_every)
        singles = [*(agent for _, agent in seen.ended), *seen.killed.values()]
        if storm:
            storm_seen = run_storm(fleet, storm)
    lasted = time.monotonic() - began
    fleet_rows.passes(report, seen)
    fleet_rows.programs(report, seen, used, lasted)
    report.limit("alerts build, s of CPU time", round(build_seconds, 1), BUILD_SECONDS)
    fleet_rows.rules(report, seen, EXPECTED_IN_STORM if storm else EXPECTED)
    fleet_rows.webhooks(report, stand)
    fleet_rows.pages(report, watched_pages)
    fleet_rows.kills(report, seen, singles)
    if storm_seen:
        storm_rows(report, seen, storm_seen)
    report.fact("load of this machine, at least and at most", f"{min(fleet.loads):.1f} to {max(fleet.loads):.1f}")


def _start(report: BenchmarkReport, console: Console, stand: Stand) -> float:
    """Start all programs; returns the CPU seconds in which rules and routes were generated."""
    for source in SOURCES:
        stand.run(source, "exporter", source)
    for source in SOURCES:
        report.fact(f"exporter of {source}: CPU time until its first snapshot", f"{stand.wait_for(source):.1f} s")
        console.print(f"[dim]{stand.size:,} agents: the exporter of {source} runs[/]")
    build_seconds = start_alerting(stand)
    console.print(f"[dim]{stand.size:,} agents: Prometheus, Alertmanager, receiver and page run[/]")
    return build_seconds


def _requests(report: BenchmarkReport, stand: Stand) -> None:
    store = S3Store(settings_of(stand.s3))
    keys = [info.key for info in store.list("db/agents/").objects]
    listing = min((measure_once(lambda: store.list("db/agents/")) for _ in range(5)), key=_cpu)
    listed = listing.cpu / len(keys) * 1e6
    report.limit("S3 listing, µs of CPU time an object", round(listed, 1), _listing_aim(len(keys)))
    gets = min(
        (measure_once(lambda: [store.get(key, max_bytes=1 << 16) for key in keys[:GETS]]) for _ in "123"), key=_cpu
    )
    report.limit("GET of a state, ms of CPU time", round(gets.cpu / len(keys[:GETS]) * 1e3, 2), GET_MILLISECONDS)


def _pass_alone(report: BenchmarkReport, stand: Stand) -> None:
    """A pass as it is once everything was read; its CPU time does not depend on what else the machine does."""
    exporter = Exporter(S3Store(settings_of(stand.s3)), system_clock, map(name_of, range(stand.size)))
    exporter.read()
    exporter.join()
    time.sleep(PASS_INTERVAL)
    read, join = measure_once(exporter.read), measure_once(exporter.join)
    aim = fleet_rows.PASS_SECONDS["agents"]
    report.limit("pass of agents and metrics, alone, s of CPU time", round(read.cpu + join.cpu, 2), aim)


def _cpu(cost: Cost) -> float:
    return cost.cpu


def _listing_aim(objects: int) -> float:
    """A page costs a request, which a small fleet does not spread over a thousand objects."""
    return round(LISTING_MICROSECONDS + GET_MILLISECONDS * 1e3 / min(objects, 1000), 1)

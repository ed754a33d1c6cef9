"""`python -m benchmarks fleet`: the real exporters against simulated fleets, in real time, with agents killed.

The aims are those for ten thousand agents. Durations depend on what else the machine does: its load is printed too.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from benchmarks.fleet import Exporter
from benchmarks.measure import BenchmarkReport, Cost, measure_once
from benchmarks.simulator.agents import name_of
from benchmarks.simulator.observations import Observations
from benchmarks.simulator.prometheus import WatchedPrometheus, start_prometheus
from benchmarks.simulator.stand import SOURCES, Stand, simulated_stand
from nervesys.clock import system_clock
from nervesys.settings import load
from nervesys.stores.s3 import S3Store
from tests.servers.s3 import settings_of

SIZES = (100, 1_000, 10_000)
MINUTES = 12
"""By default: an agent is dead after five, and sizes are measured every ten."""
LOOK_SECONDS = 5
PASS_INTERVAL = 15
"""Of the area `agents`."""
GETS = 300
LISTING_MICROSECONDS, GET_MILLISECONDS = 4, 0.8
PASS_SECONDS = {"agents": 3, "logs": 5}
MEGABYTES, PROMETHEUS_MEGABYTES = 400, 2048
BUILD_SECONDS = 10
NOTICED_SECONDS = 60
"""From the threshold to when it is seen: intervals of reading, scraping and evaluation, and that of these looks."""


def main(words: list[str]) -> int:
    """Run each size; 1 where an aim was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks fleet", description=__doc__)
    parser.add_argument("--agents", type=int, nargs="+", default=SIZES, help="sizes of fleets (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="of each (default: %(default)s)")
    parser.add_argument("--kill-every", type=float, default=60, help="seconds between two kills (default: %(default)s)")
    parser.add_argument("--prometheus", action="store_true", help="run a Prometheus with the generated rules, too")
    options = parser.parse_args(words)
    console, missed = Console(width=None if sys.stdout.isatty() else 140), []
    for size in options.agents:
        report = BenchmarkReport(f"A fleet of {size:,} agents, {options.minutes:g} minutes")
        with tempfile.TemporaryDirectory() as folder, simulated_stand(size, Path(folder)) as stand:
            run(report, console, stand, options.minutes * 60, options.kill_every, prometheus=options.prometheus)
        console.print(report.table)
        missed += report.missed
    if missed:
        console.print(f"[red]Missed[/]: {'; '.join(missed)}")
    return 1 if missed else 0


def run(
    report: BenchmarkReport, console: Console, stand: Stand, seconds: float, kill_every: float, *, prometheus: bool
) -> None:
    """Measure single requests, then run the exporters for a while."""
    _requests(report, stand)
    _pass_alone(report, stand)
    for source in SOURCES:
        stand.run(source, "exporter", source)
    for source in SOURCES:
        report.fact(f"exporter of {source}: CPU time until its first snapshot", f"{stand.wait_for(source):.1f} s")
        console.print(f"[dim]{stand.size:,} agents: the exporter of {source} runs[/]")
    used = {name: sum(program.cpu_times()[:2]) for name, program in stand.programs.items()}
    watched = start_prometheus(stand) if prometheus else None
    seen = Observations(stand, load().settings.thresholds.heartbeat.down_after_seconds, watched)
    loads = _watch(console, seen, seconds, kill_every)
    _passes(report, seen)
    for name, program in stand.programs.items():
        share = (sum(program.cpu_times()[:2]) - used.get(name, 0)) / seconds
        report.fact(f"{name}: processor", f"{share:.0%} of a core")
    report.limit("exporter of store: resident, MB", seen.memory["store"] >> 20, MEGABYTES)
    report.fact("exporter of brain: resident", f"{seen.memory['brain'] >> 20} MB")
    report.fact("series of the exporter of store", f"{seen.series:,}")
    if watched:
        _rules(report, seen, watched)
    _kills(report, seen)
    report.fact("load of this machine, at least and at most", f"{min(loads):.1f} to {max(loads):.1f}")


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
    report.limit(
        "pass of agents and metrics, alone, s of CPU time", round(read.cpu + join.cpu, 2), PASS_SECONDS["agents"]
    )


def _cpu(cost: Cost) -> float:
    return cost.cpu


def _listing_aim(objects: int) -> float:
    """A page costs a request, which a small fleet does not spread over a thousand objects."""
    return LISTING_MICROSECONDS + GET_MILLISECONDS * 1e3 / min(objects, 1000)


def _watch(console: Console, seen: Observations, seconds: float, kill_every: float) -> list[float]:
    """Look at the exporters until the time is over, and kill an agent now and then; returns the loads seen."""
    began, next_kill, next_line, loads = time.monotonic(), 0.0, 30.0, list[float]()
    while (elapsed := time.monotonic() - began) < seconds:
        if elapsed >= next_kill and seconds - elapsed > seen.silent_after + 60:
            _kill(seen)
            next_kill += kill_every
        seen.look()
        for number in seen.seen_dead():
            seen.stand.start(number)
            seen.restarted.add(number)
        loads.append(os.getloadavg()[0])
        if elapsed >= next_line:
            console.print(f"[dim]{_progress(seen, elapsed, seconds)}[/]")
            next_line += 30
        time.sleep(LOOK_SECONDS)
    return loads


def _kill(seen: Observations) -> None:
    alive = [number for number in range(seen.stand.size) if number not in seen.killed | seen.recovered]
    number = random.choice(alive)
    seen.stand.kill(number)
    seen.killed.add(number)


def _progress(seen: Observations, elapsed: float, seconds: float) -> str:
    last = ", ".join(f"{area} {durations[-1]:.1f} s" for area, durations in sorted(seen.passes.items()))
    return (
        f"{seen.stand.size:,} agents, {elapsed / 60:.1f} of {seconds / 60:.0f} minutes: last passes: {last}; "
        f"{seen.memory['store'] >> 20} MB; {len(seen.killed)} dead, {len(seen.noticed)} seen silent, "
        f"{len(seen.named)} named, {len(seen.recovered)} recovered, {len(seen.wrong)} wrongly; "
        f"load {os.getloadavg()[0]:.1f}"
    )


def _passes(report: BenchmarkReport, seen: Observations) -> None:
    for area, durations in sorted(seen.passes.items()):
        shown = (
            f"{sorted(durations)[len(durations) // 2]:.2f} s, longest {max(durations):.2f} s, {len(durations)} passes"
        )
        if area in PASS_SECONDS:
            report.within(f"pass of {area}, longest (median {shown})", max(durations), PASS_SECONDS[area])
        else:
            report.fact(f"pass of {area}, median", shown)
        if seen.backlog.get(area):
            report.fact(f"backlog of {area} at the end", f"{seen.backlog[area]:,.0f}")
    requests = seen.stand.requests()
    for kind, what in (("LIST", "LIST requests"), ("GET", "GET requests"), ("keys", "keys listed")):
        total = sum(count for name, count in requests.items() if name.startswith(f"{kind} "))
        report.fact(f"store: {what} since the start", f"{total:,}")


def _rules(report: BenchmarkReport, seen: Observations, watched: WatchedPrometheus) -> None:
    interval = load().settings.monitoring.prometheus.evaluation_interval_seconds
    report.limit("alerts build, s of CPU time", round(watched.build_seconds, 1), BUILD_SECONDS)
    for group, longest in sorted(watched.groups.items()):
        report.within(f"rules of group {group}, longest evaluation", longest, interval / 3)
    report.limit("evaluations of rules left out", round(watched.missed), 0)
    report.limit("Prometheus: resident, MB", seen.memory["prometheus"] >> 20, PROMETHEUS_MEGABYTES)
    report.fact("Prometheus: series", f"{watched.series:,.0f}")
    report.fact(
        "alerts that fired, most at once", ", ".join(f"{name} {n}" for name, n in sorted(watched.alerts.items()))
    )


def _kills(report: BenchmarkReport, seen: Observations) -> None:
    killed = seen.killed | seen.recovered
    report.fact("agents killed, and started again once they were found", str(len(killed)))
    for what, found in (("seen silent", seen.noticed), ("named by an alert", seen.named)):
        if seen.prometheus or found is seen.noticed:
            report.limit(f"killed agents not {what}", len(killed - found.keys()), 0)
            longest = max(found.values(), default=0)
            report.within(f"{what} beyond the threshold, latest", longest, NOTICED_SECONDS)
    report.limit("agents started again and not seen well", len(seen.restarted), 0)
    report.limit("agents that looked silent and were alive", len(seen.wrong), 0)
    report.limit("looks at an area older than its freshness limit", seen.stale, 0)
    report.limit("unbroken runs of passes that broke", seen.breaks, 0)

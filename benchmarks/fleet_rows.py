"""The rows of the table of a simulated fleet, with the aims for ten thousand agents."""

from collections.abc import Collection, Mapping
from statistics import median

from benchmarks.measure import BenchmarkReport
from benchmarks.simulator.killed import STEPS, KilledAgent
from benchmarks.simulator.observations import Observations
from benchmarks.simulator.pages import WatchedPages, read_webhooks
from benchmarks.simulator.stand import Stand
from nervesys.settings import load

PASS_SECONDS = {"agents": 3, "logs": 5}
MEGABYTES = {"store": 400, "prometheus": 2048, "alertmanager": 200}
NOTICED_SECONDS = 60
"""From the threshold until an agent runs again: intervals of reading, scraping, evaluation and the receiver's turn."""
PAGE_SECONDS = 1
PAGES = ("receiver", "page")


def passes(report: BenchmarkReport, seen: Observations) -> None:
    """Durations of the exporters' passes, and what the store was asked for."""
    for area, durations in sorted(seen.passes.items()):
        shown = f"{median(durations):.2f} s, longest {max(durations):.2f} s, {len(durations)} passes"
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


def programs(report: BenchmarkReport, seen: Observations, used: Mapping[str, float], seconds: float) -> None:
    """Processor and memory of each program.

    Args:
        report: gets the rows.
        seen: with the memory.
        used: CPU seconds before the run, by program.
        seconds: that the run took.
    """
    for name, before in used.items():
        share = (sum(seen.stand.programs[name].cpu_times()[:2]) - before) / seconds
        report.fact(f"{name}: processor", f"{share:.0%} of a core")
        memory = seen.memory[name] >> 20
        if name in MEGABYTES:
            report.limit(f"{name}: resident, MB", memory, MEGABYTES[name])
        else:
            report.fact(f"{name}: resident", f"{memory} MB")
    report.fact("series of the exporter of store", f"{seen.series:,}")


def rules(report: BenchmarkReport, seen: Observations, expected: Collection[str]) -> None:
    """Evaluations of rules, and what fired; of alerts that are not expected, none may."""
    watched, interval = seen.prometheus, load().settings.monitoring.prometheus.evaluation_interval_seconds
    for group, longest in sorted(watched.groups.items()):
        report.within(f"rules of group {group}, longest evaluation", longest, interval / 3)
    report.limit("evaluations of rules left out", round(watched.missed), 0)
    report.fact("Prometheus: series", f"{watched.series:,.0f}")
    for name, number in sorted(watched.alerts.items()):
        if name in expected:
            report.fact(f"{name}, most at once", f"{number:,}")
        else:
            report.limit(f"{name}, most at once", number, 0)


def webhooks(report: BenchmarkReport, stand: Stand) -> None:
    """How Alertmanager's notifications of the receiver went."""
    sent = read_webhooks(stand.addresses["alertmanager"])
    report.fact("webhooks, and the mean of their seconds", f"{sent.sent:,}, {sent.mean_seconds:.2f} s")
    report.limit("webhooks that failed", sent.failed, 0)
    report.limit("attempts of webhooks that failed or timed out", sent.failed_requests, 0)


def pages(report: BenchmarkReport, watched: WatchedPages) -> None:
    """How long pages took to answer."""
    for name, durations in list(watched.seconds.items()):
        what = f"{name}, longest (median {median(durations):.2f} s, {len(durations)} times)"
        if name in PAGES:
            report.within(what, max(durations), PAGE_SECONDS)
        else:
            report.fact(what, f"{max(durations):.2f} s, largest {watched.largest[name]:,} bytes")


def kills(report: BenchmarkReport, seen: Observations, agents: Collection[KilledAgent]) -> None:
    """What happened to the agents that were killed one by one, and to those that were not."""
    report.fact("agents killed one by one", str(len(agents)))
    for step, what in STEPS.items():
        after = [at - agent.due for agent in agents if (at := getattr(agent, step)) is not None]
        if step in ("called", "started", "proven"):
            report.limit(f"killed agents without it: {what}", len(agents) - len(after), 0)
        if not after:
            continue
        text = f"{what} beyond the threshold, latest (median {median(after):.0f} s)"
        if step == "started":
            report.within(text, max(after), NOTICED_SECONDS)
        else:
            report.fact(text, f"{max(after):.0f} s")
    report.limit("restarts called of agents that ran, or twice", sum(call.double for call in seen.calls), 0)
    report.limit("agents that looked silent, or were named, and were alive", len(seen.wrong), 0)
    report.limit("looks at an area older than its freshness limit", seen.stale, 0)
    report.limit("unbroken runs of passes that broke", seen.breaks, 0)

"""Benchmark: rendering the Main Overview of 100 agents, and the queries of the pages of 10 000 agents.

All series are made up, those too that rules record. Each reaches back as far as somebody asks for it.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

from benchmarks.measure import BenchmarkReport, measure_best, seconds
from commands.dashboards import AT_A_TIME, world
from dashboards.build import datasource_seconds, pages
from dashboards.recording import ACTIONS, INCREASES, STATUS, TROUBLE, rules
from dashboards.style import FIRST_HEALTHY_CODE, SILENT_CODE, duration
from nervesys.clients.prometheus import Prometheus
from nervesys.clients.promql import KnownSeries, selections
from nervesys.contract.state import Status
from nervesys.contract.times import DAY_SECONDS, seconds_of
from nervesys.look.colours import Theme
from nervesys.metrics.periods import periods
from nervesys.queries.dashboard_queries import Json, PanelQuery, queries_of
from nervesys.queries.query_runner import QueryRunner
from nervesys.queries.variables import ANY, substitute, variables_in, windows
from nervesys.settings import load
from nervesys.stack.blocks import make_blocks
from nervesys.stack.programs import find
from reports.draw import WIDTH
from reports.files import FileFormat, draw_file
from tests.servers.prometheus import PROGRAMS, prometheus

END = 1_750_000_000
HOUR_SECONDS = 3600
BRIEF_SECONDS = 900
"""How far back series reach of which only the newest sample is asked for."""
AGENTS_A_SERVER = 5
SILENT_SECONDS, SLOTS = 600, 1000
SHADES = 50
"""So many agents differ; the next are like them."""
HTML_SECONDS, PDF_SECONDS, QUERIES_SECONDS = 3.0, 8.0, 1.0
LOADED = load()
PERIODS = periods(LOADED)
RULES = rules(PERIODS)["groups"]
BY_UID = {page["uid"]: page for page in pages(LOADED)}
PAGE = BY_UID["main-overview"]
OF_FLEET = (PAGE, BY_UID["alerts-actions"], BY_UID["config-changes"])
"""The pages that ask for all agents at once; but for Historical Trends, whose months nobody can make up in minutes."""
SCRAPED = int(LOADED.settings.monitoring.prometheus.scrape_interval_seconds)
EVALUATED = duration(LOADED.settings.monitoring.prometheus.evaluation_interval_seconds)
STEPS = {rise.series(PERIODS): int(rise.window(PERIODS)) for rise in INCREASES}
"""Seconds between two samples of the series that are not as new as a scrape."""
OTHERS: Mapping[str, tuple[str, ...]] = {
    "action": ("restart_agent",),
    "category": ("errors",),
    "level": ("ERROR",),
    "outcome": ("completed", "failed"),
    "state": ("recovered",),
    "status": tuple(Status),
}
"""Values of labels that do not follow from the agent; a label that is not named has one."""


@dataclass(frozen=True)
class FleetHistory:
    """The made-up history of a fleet, as a Prometheus stores it.

    Attributes:
        agents: how many.
        seconds: the time range of all pages; None where each has that with which it opens.
    """

    agents: int
    seconds: float | None

    def span(self, page: Json) -> float:
        """The time range of a page, in seconds."""
        return self.seconds or seconds_of(page["time"]["from"])

    def write(self, path: Path) -> None:
        """Every series that the pages and the recording rules ask for, as OpenMetrics text."""
        known, reach = world(LOADED).known, self._reach()
        with path.open("w") as out:
            for name in sorted(reach.keys() & known.keys()):
                out.writelines(self._family(name, known[name], reach[name]))
            out.write("# EOF\n")

    def _reach(self) -> dict[str, float]:
        """How far back each series is asked for, in seconds."""
        inputs = {subject.name for group in RULES for rule in group["rules"] for subject in selections(rule["expr"])}
        reach: dict[str, float] = dict.fromkeys(inputs, BRIEF_SECONDS)
        for name, back in (queries for page in OF_FLEET for queries in self._requested_series(page)):
            reach[name] = max(reach.get(name, 0), back)
        return reach

    def _requested_series(self, page: Json) -> Iterator[tuple[str, float]]:
        """Series that a page asks for, and how far back; nothing was backfilled."""
        span = self.span(page)
        for question in queries_of(page):
            values = dict.fromkeys(variables_in(question.expr), ANY) | windows(60, 60, span)
            spans = {question.expr: 0 if question.instant else span} | {top.expr: 0 for top in question.tops}
            for expr, back in spans.items():
                for subject in selections(substitute(expr, values)):
                    if "job" not in subject.labels:
                        yield subject.name, max(subject.window or BRIEF_SECONDS, back)

    def _family(self, name: str, known: KnownSeries, reach: float) -> Iterator[str]:
        step = STEPS.get(name, SCRAPED)
        instants = range(END - int(reach) // step * step, END + 1, step)
        shades: dict[tuple[str, int], str] = {}
        for place, labels in enumerate(self._labels(known.labels or frozenset())):
            text = ",".join(f'{label}="{value}"' for label, value in labels.items())
            shade = labels.get("status", ""), place % SHADES
            if shade not in shades:
                values = ((at, _value(name, known, shade, at)) for at in instants)
                shades[shade] = "".join(f"@ {value:.12g} {at}\n" for at, value in values if value is not None)
            yield shades[shade].replace("@", f"{name}{{{text}}}")

    def _labels(self, names: frozenset[str]) -> Iterator[dict[str, str]]:
        others = sorted(names - _of_agent(0).keys())
        for subject in self._subjects(names):
            for values in product(*(OTHERS.get(name, ("some",)) for name in others)):
                yield subject | dict(zip(others, values, strict=True))

    def _subjects(self, names: frozenset[str]) -> Sequence[dict[str, str]]:
        if not names & _of_agent(0).keys():
            return [{}]
        agents = map(_of_agent, range(0, self.agents, 1 if "agent" in names else AGENTS_A_SERVER))
        label_sets = (tuple((name, value) for name, value in agent.items() if name in names) for agent in agents)
        return [dict(pairs) for pairs in dict.fromkeys(label_sets)]


def _of_agent(number: int) -> dict[str, str]:
    return {
        "agent": f"agent-{number:05}",
        "server": f"server-{number // AGENTS_A_SERVER:04}.example.com",
        "role": "code review",
        "model": ("gpt-5", "grok-4")[number % 2],
        "version": "1.2.3",
    }


def _value(name: str, known: KnownSeries, shade: tuple[str, int], at: int) -> float | None:
    """Of a sample; None where there is none. Each agent is silent for ten minutes a week, and then restarted."""
    status, place = shade
    silent = (at // SILENT_SECONDS + 37 * place) % SLOTS == 0
    if name in {STATUS, TROUBLE}:
        return SILENT_CODE if silent else FIRST_HEALTHY_CODE if name == STATUS else None
    if name == ACTIONS.series(PERIODS):
        return 1 if silent and at % SILENT_SECONDS < STEPS[name] else None
    if name in STEPS:
        return (at // STEPS[name] * (place + 1)) % 7
    if known.counter:
        return at // 60 * (1 + place % 7)
    if "_timestamp_seconds" in name:
        return at - place
    if status:
        return status == Status.RUNNING
    return (place + at // 300) % 100 / 100


def run(report: BenchmarkReport, *, large: bool, short: bool) -> None:
    """Measure both, each before a Prometheus of its own."""
    small_fleet = FleetHistory(5, HOUR_SECONDS) if short else FleetHistory(100, DAY_SECONDS)
    large_fleet = FleetHistory(10, HOUR_SECONDS) if short else FleetHistory(10_000, DAY_SECONDS if large else None)
    with tempfile.TemporaryDirectory() as name:
        _draw(report, small_fleet, Path(name))
    with tempfile.TemporaryDirectory() as name:
        _ask(report, large_fleet, Path(name))


def _draw(report: BenchmarkReport, fleet: FleetHistory, folder: Path) -> None:
    with prometheus_with(fleet, folder) as url, ThreadPoolExecutor(AT_A_TIME) as executor:
        live = _live(url)

        def draw(form: FileFormat) -> bytes:
            return draw_file(PAGE, live, fleet.span(PAGE), form, Theme.LIGHT, executor)

        for form, aim in ((FileFormat.HTML, HTML_SECONDS), (FileFormat.PDF, PDF_SECONDS)):
            what = f"Main Overview, {_hours(fleet, PAGE)} of {fleet.agents} agents, as {form.upper()}"
            report.within(what, measure_best(partial(draw, form)).wall, aim)
            report.fact(f"size of that {form.upper()}", f"{len(draw(form)):,} bytes")


def _ask(report: BenchmarkReport, fleet: FleetHistory, folder: Path) -> None:
    with prometheus_with(fleet, folder) as url, ThreadPoolExecutor(AT_A_TIME) as executor:
        for page in OF_FLEET:
            _ask_page(report, fleet, page, url, executor)
        for group in RULES:
            cost = measure_best(partial(_evaluate, _live(url), group)).wall
            report.fact(f"recording {group['name']}, each {group.get('interval', EVALUATED)}", seconds(cost))


def _ask_page(report: BenchmarkReport, fleet: FleetHistory, page: Json, url: str, executor: Executor) -> None:
    """All questions at once, as a browser asks them; the answers are read to the end and parsed."""
    values, questions, span = _live(url).variables(page), list(queries_of(page)), fleet.span(page)

    def ask(*queries: PanelQuery) -> None:
        live = _live(url)  # which remembers nothing of what was chosen
        list(executor.map(lambda question: live.ask(question, values, span, WIDTH // 6), queries))

    what = f"{page['title']}: {len(questions)} questions, {_hours(fleet, page)} of {fleet.agents:,} agents"
    report.within(what, measure_best(partial(ask, *questions)).wall, QUERIES_SECONDS)
    slowest = max((measure_best(partial(ask, subject), 1).wall, str(subject)) for subject in questions)
    report.fact("the slowest of them alone", f"{slowest[1]}: {seconds(slowest[0])}")


def _hours(fleet: FleetHistory, page: Json) -> str:
    return f"{fleet.span(page) / HOUR_SECONDS:g} h"


def _evaluate(live: QueryRunner, group: Json) -> None:
    for rule in group["rules"]:
        live.prometheus.instant(f"count({rule['expr']})", live.now)


def _live(url: str) -> QueryRunner:
    return QueryRunner(Prometheus(url), datasource_seconds(LOADED), END)


@contextmanager
def prometheus_with(fleet: FleetHistory, folder: Path) -> Iterator[str]:
    """A Prometheus that holds the history of a fleet. Yields its URL."""
    text, data = folder / "samples.txt", folder / "data"
    fleet.write(text)
    make_blocks(find("promtool", PROGRAMS), text, data)
    text.unlink()
    with prometheus(folder, data) as url:
        yield url

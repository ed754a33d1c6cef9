"""Benchmark: the Main Overview of a day of 100 agents, drawn; and what its questions cost Prometheus at 10 000.

The raw series are made up. What rules record of them is worked out by promtool, as Prometheus would have.
"""

import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

from benchmarks.measure import Report, best, seconds
from dashboards.build import datasource_seconds, pages, recorded
from dashboards.recording import FILE, rules
from dashboards.style import duration
from nervesys.cli.dashboards import AT_A_TIME, world
from nervesys.contract.state import Status
from nervesys.metrics.periods import periods
from nervesys.prometheus import Prometheus
from nervesys.promql import Known, selections
from nervesys.queries.asking import Live
from nervesys.queries.reading import Json, questions_of
from nervesys.queries.variables import ANY, filled, variables_in, windows
from nervesys.settings import load
from nervesys.stack.blocks import make_blocks
from nervesys.stack.programs import find
from reports.colours import Theme
from reports.draw import WIDTH
from reports.files import Form, drawn_file
from tests.servers.prometheus import PROGRAMS, prometheus

START = 1_750_000_000
STEP_SECONDS, HOUR_SECONDS = 60, 3600
AGENTS_A_SERVER = 5
HTML_SECONDS, PDF_SECONDS, ASKED_SECONDS = 3.0, 8.0, 1.0
LOADED = load()
RULES = rules(periods(LOADED))["groups"]
PAGE = pages(LOADED)[0]
EVALUATED = duration(LOADED.settings.monitoring.prometheus.evaluation_interval_seconds)
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
class Fleet:
    """A past that a Prometheus is to remember.

    Attributes:
        agents: how many.
        seconds: how long it is.
    """

    agents: int
    seconds: int

    @property
    def end(self) -> int:
        """Unix seconds."""
        return START + self.seconds

    def write(self, path: Path, page: Json) -> None:
        """Every series that a page and the recording rules ask for, as OpenMetrics text."""
        known = world(LOADED).known
        raw = {name for name in _asked(page) & known.keys() if ":" not in name}
        with path.open("w") as out:
            for name in sorted(raw):
                out.writelines(self._family(name, known[name]))
            out.write("# EOF\n")

    def _family(self, name: str, known: Known) -> Iterator[str]:
        for place, labels in enumerate(self._labels(known.labels or frozenset())):
            text = ",".join(f'{label}="{value}"' for label, value in labels.items())
            for at in range(START, self.end + 1, STEP_SECONDS):
                yield f"{name}{{{text}}} {_value(name, known, labels, at, place):.12g} {at}\n"

    def _labels(self, names: frozenset[str]) -> Iterator[dict[str, str]]:
        others = sorted(names - _of_agent(0).keys())
        for one in self._subjects(names):
            for values in product(*(OTHERS.get(name, ("some",)) for name in others)):
                yield one | dict(zip(others, values, strict=True))

    def _subjects(self, names: frozenset[str]) -> Sequence[dict[str, str]]:
        if not names & _of_agent(0).keys():
            return [{}]
        step = 1 if "agent" in names else AGENTS_A_SERVER
        agents = map(_of_agent, range(0, self.agents, step))
        return [{name: value for name, value in agent.items() if name in names} for agent in agents]


def _of_agent(number: int) -> dict[str, str]:
    return {
        "agent": f"agent-{number:05}",
        "server": f"server-{number // AGENTS_A_SERVER:04}.example.com",
        "role": "code review",
        "model": ("gpt-5", "grok-4")[number % 2],
        "version": "1.2.3",
    }


def _value(name: str, known: Known, labels: Mapping[str, str], at: int, place: int) -> float:
    elapsed = at - START
    if known.counter:
        return elapsed // STEP_SECONDS * (1 + place % 7)
    if name.endswith("_timestamp_seconds"):
        return at - place % 50
    if "status" in labels:
        idle = (elapsed // 600 + place // len(Status)) % 9 == 0
        return labels["status"] == (Status.IDLE if idle else Status.RUNNING)
    return (place + elapsed // 300) % 100 / 100


def _asked(page: Json) -> set[str]:
    """The names of all series that a page, or a rule that records for it, asks for."""
    names = {selection.name for group in RULES for rule in group["rules"] for selection in selections(rule["expr"])}
    for question in questions_of(page):
        values = dict.fromkeys(variables_in(question.expr), ANY) | windows(60, 60, HOUR_SECONDS)
        names |= {selection.name for selection in selections(filled(question.expr, values))}
    return names


def run(report: Report, *, large: bool, short: bool) -> None:
    """Measure both, each before a Prometheus of its own."""
    small = Fleet(5, HOUR_SECONDS) if short else Fleet(100, 24 * HOUR_SECONDS)
    great = Fleet(10, HOUR_SECONDS // 4) if short else Fleet(10_000, HOUR_SECONDS if large else HOUR_SECONDS // 4)
    with tempfile.TemporaryDirectory() as name:
        _draw(report, small, Path(name))
    with tempfile.TemporaryDirectory() as name:
        _ask(report, great, Path(name))


def _draw(report: Report, fleet: Fleet, folder: Path) -> None:
    with _remembering(fleet, folder) as url, ThreadPoolExecutor(AT_A_TIME) as executor:
        live = _live(url, fleet)

        def draw(form: Form) -> bytes:
            return drawn_file(PAGE, live, fleet.seconds, form, Theme.LIGHT, executor)

        for form, aim in ((Form.HTML, HTML_SECONDS), (Form.PDF, PDF_SECONDS)):
            what = f"Main Overview, {fleet.seconds // HOUR_SECONDS} h of {fleet.agents} agents, as {form.upper()}"
            report.within(what, best(partial(draw, form)).wall, aim)
            report.fact(f"size of that {form.upper()}", f"{len(draw(form)):,} bytes")


def _ask(report: Report, fleet: Fleet, folder: Path) -> None:
    """All questions at once, as a browser asks them; the answers are read to the end and parsed."""
    with _remembering(fleet, folder) as url, ThreadPoolExecutor(AT_A_TIME) as executor:
        live = _live(url, fleet)
        values, questions = live.variables(PAGE), list(questions_of(PAGE))

        def ask() -> None:
            list(executor.map(lambda question: live.ask(question, values, fleet.seconds, WIDTH // 6), questions))

        what = f"its {len(questions)} questions, {fleet.seconds // 60} min of {fleet.agents:,} agents"
        report.within(what, best(ask).wall, ASKED_SECONDS)
        report.fact("its variables, asked before", seconds(best(partial(live.variables, PAGE)).wall))
        slowest = max(
            (best(partial(live.ask, one, values, fleet.seconds, WIDTH // 6), 1).wall, str(one)) for one in questions
        )
        report.fact("the slowest of them alone", f"{slowest[1]}: {seconds(slowest[0])}")
        for group in RULES:
            cost = best(partial(_evaluate, live, group)).wall
            report.fact(f"recording {group['name']}, each {group.get('interval', EVALUATED)}", seconds(cost))


def _evaluate(live: Live, group: Json) -> None:
    for rule in group["rules"]:
        live.prometheus.instant(f"count({rule['expr']})", live.now)


def _live(url: str, fleet: Fleet) -> Live:
    return Live(Prometheus(url), datasource_seconds(LOADED), fleet.end)


@contextmanager
def _remembering(fleet: Fleet, folder: Path) -> Iterator[str]:
    text, data = folder / "samples.txt", folder / "data"
    fleet.write(text, PAGE)
    make_blocks(find("promtool", PROGRAMS), text, data)
    text.unlink()
    with prometheus(folder, data) as url:
        _record(url, fleet, folder)
    with prometheus(folder, data) as url:
        yield url


def _record(url: str, fleet: Fleet, folder: Path) -> None:
    """Blocks of what the rules make of the past that a Prometheus remembers."""
    file = folder / "recording.yml"
    file.write_text(recorded(LOADED)[FILE])
    said = {"url": url, "start": START, "end": fleet.end, "eval-interval": EVALUATED, "output-dir": folder / "data"}
    options = [f"--{name}={value}" for name, value in said.items()]
    command = [find("promtool", PROGRAMS), "tsdb", "create-blocks-from", "rules", *options, file]
    subprocess.run(list(map(str, command)), check=True, capture_output=True, timeout=600)

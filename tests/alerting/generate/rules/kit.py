"""Time series as functions of time, and run through promtool's rule tests.

Time starts at 0; a story is sampled each 15 seconds, as the rules of production are evaluated.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from alerting.conditions.freshness_guards import fresh_limit
from alerting.conditions.freshness_guards import origins as origins_of
from nervesys.metrics import SourceArea
from nervesys.metrics.family import number
from nervesys.settings import load

SETTINGS = load(flags={"NERVESYS_ARCHIVE": "file:///srv/archive"}).settings
"""The shipped settings of a fleet with an archive."""
STEP = 15
MINUTE = 60
HOUR = 3600
DAY = 24 * HOUR

Story = Callable[[float], float | None]
"""The value at a time in seconds; None where nothing is scraped."""
World = dict[str, Story]
"""A story for each series."""


def now(t: float) -> float:
    """A timestamp that is always new."""
    return t


def steady(value: float | None) -> Story:
    """A value that never changes."""
    return lambda t: value


SINGLE = steady(1)
GONE = steady(None)
"""A series that is not served."""
LONG_SINCE = steady(-1e6)
"""Without a break since long before the story began."""


def until(end: float) -> Story:
    """A timestamp that is renewed until an instant, and stays at it."""
    return lambda t: min(t, end)


def gap(story: Story, start: float, end: float) -> Story:
    """The story, with nothing scraped in between."""
    return lambda t: None if start <= t < end else story(t)


def from_(start: float, story: Story) -> Story:
    """The story, with nothing scraped before."""
    return gap(story, -STEP, start)


def step(at: float, before: float, after: float) -> Story:
    """One value until an instant, another from then on."""
    return then(at, steady(before), steady(after))


def then(at: float, before: Story, after: Story) -> Story:
    """One story until an instant, another from then on."""
    return lambda t: before(t) if t < at else after(t)


def exporter(
    origin: SourceArea,
    success: Story = now,
    since: Story = LONG_SINCE,
    up: Story = SINGLE,
    fresh: Story | None = None,
) -> World:
    """What an exporter says of one of its areas."""
    labels = f'{{job="{origin.source}",instance="{origin.source}:1",source="{origin.source}",area="{origin.area}"}}'
    return {
        f"nervesys_exporter_last_success_timestamp_seconds{labels}": success,
        f"nervesys_exporter_fresh_limit_seconds{labels}": fresh or steady(fresh_limit(SETTINGS, origin)),
        f"nervesys_exporter_unbroken_since_timestamp_seconds{labels}": since,
        f"nervesys_exporter_up{labels}": up,
    }


def watched(*origins: SourceArea) -> World:
    """Exporters that read their areas without a break; all of them where none is named."""
    world: dict[str, Story] = {}
    for origin in origins or origins_of(SETTINGS):
        world |= exporter(origin)
        world[f'up{{job="{origin.source}",instance="{origin.source}:1"}}'] = steady(1)
    return world


def of(job: str, name: str, **labels: str) -> str:
    """The name of a series that a program serves."""
    pairs = ",".join(f'{key}="{value}"' for key, value in ({"job": job, "instance": f"{job}:1"} | labels).items())
    return f"{name}{{{pairs}}}"


def of_store(name: str, **labels: str) -> str:
    """The name of a series of one of the store's families."""
    return of("store", f"nervesys_{name}", **labels)


def configured(agent: str = "grok", story: Story = SINGLE) -> World:
    """The brain names an agent."""
    return {of("brain", "nervesys_brain_agent_info", agent=agent, role="research"): story}


@dataclass(frozen=True)
class Fires:
    """An alert that fires at a time, with all its labels and its summary."""

    at: float
    summary: str
    severity: str = "critical"
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One story, and when an alert must be silent and when it must fire.

    Attributes:
        name: a fragment of a sentence that names the situation.
        mended: the stories that go on in place of others once it has fired, for the trouble is over.
        within: in which the alert must then have ended, seconds; it is held for the grace, and windows must pass.
    """

    alert: str
    name: str
    world: World
    silent: tuple[float, ...] = ()
    fires: tuple[Fires, ...] = ()
    mended: World = field(default_factory=dict)
    within: float = 15 * MINUTE

    @property
    def id(self) -> str:
        """For pytest."""
        return f"{self.alert}: {self.name}"

    @property
    def times(self) -> list[float]:
        """When somebody looks."""
        fires = {fires.at for fires in self.fires}
        ended = {max(fires) + STEP + self.within} if self.mended else set()
        return sorted({*self.silent, *fires, *ended})

    def complete(self) -> set[str]:
        """The severities that are silent at most a minute before they fire, and end."""
        firing = [(at, {fires.severity for fires in self.fires if fires.at == at}) for at in self.times]
        begin = {item for (a, before), (b, after) in pairwise(firing) if b - a <= MINUTE for item in after - before}
        return begin & {item for (_, before), (_, after) in pairwise(firing) for item in before - after}

    def as_promtool(self, rules: str, edge: int = 0, *, summaries: bool = True) -> dict[str, Any]:
        """A file of tests for promtool; the stories of days are evaluated each minute.

        Args:
            rules: file of the rules.
            edge: seconds by which alerts may begin earlier.
            summaries: whether the rules have a summary.
        """
        last = self.times[-1]
        steps = range(0, int(last) + STEP, STEP)
        series = [{"series": name, "values": " ".join(_values(story, steps))} for name, story in self._values().items()]
        expected = [self._expected(time, edge, summaries) for time in self.times]
        return {
            "rule_files": [rules],
            "evaluation_interval": "1m" if last > 6 * HOUR else f"{STEP}s",
            "tests": [{"name": self.id, "interval": f"{STEP}s", "input_series": series, "alert_rule_test": expected}],
        }

    def _values(self) -> World:
        """The world, and what takes over in it."""
        if not self.mended:
            return self.world
        turn = max(fires.at for fires in self.fires) + STEP
        return self.world | {name: then(turn, self.world.get(name, GONE), story) for name, story in self.mended.items()}

    def _expected(self, time: float, edge: int, summaries: bool) -> dict[str, Any]:
        firing = [
            {
                "exp_labels": {"severity": fires.severity, **fires.labels},
                **({"exp_annotations": {"summary": fires.summary}} if summaries else {}),
            }
            for fires in self.fires
            if fires.at == time
        ]
        early = edge if time in self.silent else 0
        return {"eval_time": f"{int(time) - early}s", "alertname": self.alert, "exp_alerts": firing}


def _values(story: Story, steps: Iterable[int]) -> Iterable[str]:
    for t in steps:
        value = story(t)
        yield "_" if value is None else number(value)

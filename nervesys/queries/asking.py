"""Asks a Prometheus what pages ask, with variables filled in as Grafana does."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nervesys.prometheus import Prometheus, Series
from nervesys.queries.reading import QUERY, Json, Question, variables_of
from nervesys.queries.variables import filled, seconds_of, windows

POINTS = 250
"""Of a graph, at most, where nobody says how wide it is."""
LONGEST_GRAIN_SECONDS = 60.0
NOTHING_CHOSEN: Mapping[str, str] = {}


@dataclass(frozen=True)
class Choice:
    """What a variable may be, and what it is.

    Attributes:
        name: as queries write it after `$`.
        label: as people read it.
        options: what Prometheus knows, sorted.
        chosen: one of the options; None stands for all of them.
        value: as it is filled into queries.
        hidden: follows from another variable and is not shown.
        all_too: all may be chosen.
    """

    name: str
    label: str
    options: tuple[str, ...]
    chosen: str | None
    value: str
    hidden: bool
    all_too: bool


@dataclass(frozen=True)
class Live:
    """A Prometheus that pages are drawn from.

    Attributes:
        prometheus: which one.
        interval: of the data source, in seconds.
        now: end of every time range, in Unix seconds.
    """

    prometheus: Prometheus
    interval: float
    now: float

    def choices(self, page: Json, wanted: Mapping[str, str] = NOTHING_CHOSEN) -> list[Choice]:
        """What a page's variables may be and are: what is wanted where Prometheus knows it, else as at first.

        At first, all values are chosen where several may be, else the first one.

        Args:
            page: as generated.
            wanted: by name of the variable; only values that Prometheus knows ever get into a query.

        Raises:
            QueryFailed: with Prometheus' own words.
        """
        choices: list[Choice] = []
        for variable in variables_of(page):
            values = {choice.name: choice.value for choice in choices}
            choices.append(self._choice(variable, values, wanted.get(variable["name"])))
        return choices

    def _choice(self, variable: Json, values: Mapping[str, str], wanted: str | None) -> Choice:
        match = QUERY.fullmatch(variable["query"])
        assert match, "the rules of the pages see to that"
        label, all_too = match["label"], variable["includeAll"]
        series = self.prometheus.instant(f"group by ({label}) ({filled(match['metric'], values)})", self.now)
        options = tuple(sorted(one.labels[label] for one in series if label in one.labels))
        if wanted in options and wanted is not None:
            chosen, value = wanted, _quoted(re.escape(wanted) if variable["multi"] else wanted)
        elif all_too:
            chosen, value = None, variable["allValue"]
        else:
            chosen = options[0] if options else ""
            value = _quoted(chosen)
        hidden = variable["hide"] == 2
        return Choice(variable["name"], variable["label"], options, chosen, value, hidden, all_too)

    def variables(self, page: Json) -> dict[str, str]:
        """What a page's variables are at first, as they are filled into queries.

        Raises:
            QueryFailed: with Prometheus' own words.
        """
        return {choice.name: choice.value for choice in self.choices(page)}

    def ask(self, question: Question, values: Mapping[str, str], span: float, points: int = POINTS) -> list[Series]:
        """The answer to one question.

        Args:
            question: what is asked.
            values: of the page's variables.
            span: of the time range, in seconds.
            points: of a graph, at most.

        Raises:
            QueryFailed: with Prometheus' own words.
        """
        least, step = self._least(question), self.step(question, span, points)
        expr = filled(question.expr, {**values, **windows(step, least, span)})
        if question.instant:
            return self.prometheus.instant(expr, self.now)
        # The last point lies on a multiple of the step, as Grafana's does: a page that refreshes does not jitter.
        # Of a minute where steps are longer: a stack younger than a step would have nothing to show.
        grain = min(step, LONGEST_GRAIN_SECONDS)
        end = math.floor(self.now / grain) * grain
        return self.prometheus.range(expr, end - math.floor(span / step) * step, end, step)

    def step(self, question: Question, span: float, points: int = POINTS) -> float:
        """Seconds between two points of the answer."""
        return max(self._least(question), span / points)

    def _least(self, question: Question) -> float:
        return seconds_of(question.min_step) if question.min_step else self.interval


def _quoted(value: str) -> str:
    """As it stands between double quotes in PromQL."""
    return value.replace("\\", "\\\\").replace('"', '\\"')


def has_data(series: Sequence[Series]) -> bool:
    """Whether there is anything to draw: one number that is neither NaN nor infinite."""
    return any(math.isfinite(value) for one in series for _, value in one.points)

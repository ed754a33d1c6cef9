"""Runs the queries of dashboards, with variables and time steps as Grafana would use them."""

import math
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from nervesys.clients.prometheus import Prometheus, QueryFailed, Series
from nervesys.queries.reading import QUERY, Json, PanelQuery, variables_of
from nervesys.queries.variables import seconds_of, substitute, windows

POINTS = 250
"""Default for the maximum number of points of a graph."""
LONGEST_GRAIN_SECONDS = 60.0
NO_VALUES: Mapping[str, str] = {}


@dataclass(frozen=True)
class VariableChoice:
    """A dashboard variable with its options and its value.

    Attributes:
        name: as queries write it after `$`.
        label: its label for people.
        options: values in Prometheus, sorted.
        chosen: one of the options; None for all of them.
        value: text that is inserted into queries.
        hidden: not shown, because it depends on another variable.
        all_too: whether "All" is an option.
    """

    name: str
    label: str
    options: tuple[str, ...]
    chosen: str | None
    value: str
    hidden: bool
    all_too: bool


@dataclass(frozen=True)
class QueryRunner:
    """Runs queries on a Prometheus.

    Attributes:
        prometheus: its client.
        interval: the data source's scrape interval, in seconds.
        now: end of all time ranges, in Unix seconds.
    """

    prometheus: Prometheus
    interval: float
    now: float
    _choosing: dict[str, Future[str]] = field(default_factory=dict, init=False, compare=False, repr=False)

    def choices(self, page: Json, wanted: Mapping[str, str] = NO_VALUES) -> list[VariableChoice]:
        """The variables of a dashboard, with the wanted values if Prometheus has them, else the defaults.

        The default is "All" if several values may be chosen, else the first one.

        Args:
            page: the dashboard's JSON.
            wanted: values by variable name; only values that Prometheus has ever get into a query.

        Raises:
            QueryFailed: Prometheus did not respond, or rejected a query.
        """
        choices: list[VariableChoice] = []
        for variable in variables_of(page):
            values = {choice.name: choice.value for choice in choices}
            choices.append(self._choice(variable, values, wanted.get(variable["name"])))
        return choices

    def _choice(self, variable: Json, values: Mapping[str, str], wanted: str | None) -> VariableChoice:
        match = QUERY.fullmatch(variable["query"])
        assert match, "the rules of the pages see to that"
        label, all_too = match["label"], variable["includeAll"]
        series = self.prometheus.instant(f"group by ({label}) ({substitute(match['metric'], values)})", self.now)
        options = tuple(sorted(one.labels[label] for one in series if label in one.labels))
        if wanted in options and wanted is not None:
            chosen, value = wanted, _quoted(re.escape(wanted) if variable["multi"] else wanted)
        elif all_too:
            chosen, value = None, variable["allValue"]
        else:
            chosen = options[0] if options else ""
            value = _quoted(chosen)
        hidden = variable["hide"] == 2
        return VariableChoice(variable["name"], variable["label"], options, chosen, value, hidden, all_too)

    def variables(self, page: Json) -> dict[str, str]:
        """The default values of a dashboard's variables, as they are inserted into queries.

        Raises:
            QueryFailed: Prometheus did not respond, or rejected a query.
        """
        return {choice.name: choice.value for choice in self.choices(page)}

    def ask(self, question: PanelQuery, values: Mapping[str, str], span: float, points: int = POINTS) -> list[Series]:
        """Run one query.

        Args:
            question: the query.
            values: of the dashboard's variables.
            span: length of the time range, in seconds.
            points: maximum number of points.

        Raises:
            QueryFailed: Prometheus did not respond, or rejected a query.
        """
        least, step = self._least(question), self.step(question, span, points)
        values = {**values, **windows(step, least, span)}
        for top in question.tops:
            values[top.variable] = self._chosen(substitute(top.expr, values), top.label)
        expr = substitute(question.expr, values)
        if question.instant:
            return self.prometheus.instant(expr, self.now)
        # Points are aligned to multiples of the step, as in Grafana, so that a refresh does not shift them. Steps
        # longer than a minute are aligned to minutes, so that a new stack shows data at once.
        grain = min(step, LONGEST_GRAIN_SECONDS)
        end = math.floor(self.now / grain) * grain
        return self.prometheus.range(expr, end - math.floor(span / step) * step, end, step)

    def _chosen(self, expr: str, label: str) -> str:
        """Names as a regular expression; asked for once, however many queries wait for them."""
        mine: Future[str] = Future()
        future = self._choosing.setdefault(expr, mine)
        if future is mine:
            try:
                found = self.prometheus.instant(expr, self.now)
                names = sorted(_quoted(re.escape(one.labels[label])) for one in found if label in one.labels)
                mine.set_result("|".join(names))
            except QueryFailed as err:
                mine.set_exception(err)
            finally:
                mine.cancel()  # nothing, unless it ended in an unforeseen way: nobody waits for ever
        return future.result()

    def step(self, question: PanelQuery, span: float, points: int = POINTS) -> float:
        """Seconds between two points of the result."""
        return max(self._least(question), span / points)

    def _least(self, question: PanelQuery) -> float:
        return seconds_of(question.min_step) if question.min_step else self.interval


def _quoted(value: str) -> str:
    """Escape for a double-quoted PromQL string."""
    return value.replace("\\", "\\\\").replace('"', '\\"')


def has_data(series: Sequence[Series]) -> bool:
    """Whether any value is finite, so that there is something to draw."""
    return any(math.isfinite(value) for one in series for _, value in one.points)

"""Runs the queries of dashboards, with variables and time steps as Grafana would use them."""

import math
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from nervesys.clients.prometheus import Prometheus, QueryFailed, Series
from nervesys.contract.times import DAY_SECONDS, seconds_of
from nervesys.queries.dashboard_queries import QUERY, Json, PanelQuery, variables_of
from nervesys.queries.variables import substitute, windows
from nervesys.quoting import escape_quoted

POINTS = 250
"""Default for the maximum number of points of a graph."""
LONGEST_GRAIN_SECONDS = 60.0
MOST_OPTIONS = 200
"""Most values of a variable that are listed; of more, people search."""
SUGGESTIONS = 50
"""Most values that a search finds."""
NO_VALUES: Mapping[str, str] = {}


@dataclass(frozen=True)
class VariableChoice:
    """A dashboard variable with its options and its value.

    Attributes:
        name: as queries write it after `$`.
        label: its label for people.
        options: values in Prometheus, sorted.
        selected: one of the options; None for all of them.
        value: text that is inserted into queries.
        hidden: not shown, because it depends on another variable.
        includes_all: whether "All" is an option.
        many: whether there are more options than `MOST_OPTIONS`, of which `options` are the first.
        rejected: the wanted value, if Prometheus does not have it; empty otherwise.
    """

    name: str
    label: str
    options: tuple[str, ...]
    selected: str | None
    value: str
    hidden: bool
    includes_all: bool
    many: bool = False
    rejected: str = ""


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

    def choices(self, page: Json, wanted: Mapping[str, str], span: float) -> list[VariableChoice]:
        """The variables of a dashboard, with the wanted values if Prometheus has them, else the defaults.

        The default is "All" if several values may be selected, else the first one.

        Args:
            page: the dashboard's JSON.
            wanted: values by variable name; only values that Prometheus has ever get into a query.
            span: length of the time range, in seconds; what had data within it can be chosen.

        Raises:
            QueryFailed: Prometheus did not respond, or rejected a query.
        """
        choices: list[VariableChoice] = []
        for variable in variables_of(page):
            values = {choice.name: choice.value for choice in choices}
            choices.append(self._choice(variable, values, wanted.get(variable["name"]), span))
        return choices

    def _choice(self, variable: Json, values: Mapping[str, str], wanted: str | None, span: float) -> VariableChoice:
        label, selector = _label_and_selector(variable, values)
        includes_all, every = variable["includeAll"], variable.get("allValue")
        limit = None if includes_all and every is None else MOST_OPTIONS + 1
        found = self.prometheus.label_values(label, selector, self.now - span, self.now, limit)
        many = limit is not None and len(found) == limit
        options = tuple(found[:MOST_OPTIONS] if many else found)
        known = wanted is not None and (wanted in options or (many and self._has(variable, values, wanted, span)))
        if known and wanted is not None:
            selected, value = wanted, escape_quoted(re.escape(wanted) if variable["multi"] else wanted)
        elif includes_all:
            listed = "|".join(escape_quoted(re.escape(option)) for option in options)
            selected, value = None, listed if every is None else every
        else:
            selected = options[0] if options else ""
            value = escape_quoted(selected)
        return VariableChoice(
            *(variable["name"], variable["label"], options, selected, value),
            hidden=variable["hide"] == 2,
            includes_all=includes_all,
            many=many,
            rejected="" if known or wanted is None else wanted,
        )

    def _has(self, variable: Json, values: Mapping[str, str], wanted: str, span: float) -> bool:
        """Whether Prometheus has a value of a variable."""
        label, selector = _label_and_selector(variable, values)
        exact = narrowed(selector, f'{label}="{escape_quoted(wanted)}"')
        return wanted in self.prometheus.label_values(label, exact, self.now - span, self.now, 1)

    def search(self, page: Json, name: str, text: str, wanted: Mapping[str, str], span: float) -> list[str]:
        """Some values of a variable that contain a text, in any case.

        Args:
            page: the dashboard's JSON.
            name: of the variable.
            text: what to look for.
            wanted: values of variables on which this one may depend.
            span: length of the time range, in seconds.

        Raises:
            KeyError: the page has no such variable.
            QueryFailed: Prometheus did not respond, or rejected a query.
        """
        values: dict[str, str] = {}
        for variable in variables_of(page):
            if variable["name"] == name:
                label, selector = _label_and_selector(variable, values)
                matcher = f'{label}=~"(?i).*{escape_quoted(re.escape(text))}.*"'
                return self.prometheus.label_values(
                    label, narrowed(selector, matcher), self.now - span, self.now, SUGGESTIONS
                )
            values[variable["name"]] = self._choice(variable, values, wanted.get(variable["name"]), span).value
        raise KeyError(name)

    def variables(self, page: Json) -> dict[str, str]:
        """The default values of a dashboard's variables, as they are inserted into queries.

        Raises:
            QueryFailed: Prometheus did not respond, or rejected a query.
        """
        return {choice.name: choice.value for choice in self.choices(page, NO_VALUES, seconds_of(page["time"]["from"]))}

    def ask(self, query: PanelQuery, values: Mapping[str, str], span: float, points: int = POINTS) -> list[Series]:
        """Run one query.

        Args:
            query: the query.
            values: of the dashboard's variables.
            span: length of the time range, in seconds.
            points: maximum number of points.

        Raises:
            QueryFailed: Prometheus did not respond, or rejected a query.
        """
        least, step = self._least(query), self.step(query, span, points)
        values = {**values, **windows(step, least, span)}
        for top in query.tops:
            values[top.variable] = self._top_names(substitute(top.expr, values), top.label)
        expr = substitute(query.expr, values)
        if query.instant:
            return self.prometheus.instant(expr, self.now)
        # Points are aligned to multiples of the step, as in Grafana, so that a refresh does not shift them. Steps
        # longer than a minute are aligned to minutes, so that a new stack shows data at once; but days are days.
        grain = step if least >= DAY_SECONDS else min(step, LONGEST_GRAIN_SECONDS)
        end = math.floor(self.now / grain) * grain
        return self.prometheus.range(expr, end - math.floor(span / step) * step, end, step)

    def _top_names(self, expr: str, label: str) -> str:
        """Names as a regular expression; asked for once, however many queries wait for them."""
        mine: Future[str] = Future()
        future = self._choosing.setdefault(expr, mine)
        if future is mine:
            try:
                found = self.prometheus.instant(expr, self.now)
                names = sorted(escape_quoted(re.escape(item.labels[label])) for item in found if label in item.labels)
                mine.set_result("|".join(names))
            except QueryFailed as err:
                mine.set_exception(err)
            finally:
                mine.cancel()  # no effect once a result is set; else other threads would wait for ever
        return future.result()

    def step(self, query: PanelQuery, span: float, points: int = POINTS) -> float:
        """Seconds between two points of the result."""
        return max(self._least(query), span / points)

    def _least(self, query: PanelQuery) -> float:
        return seconds_of(query.min_step) if query.min_step else self.interval


def has_data(series: Sequence[Series]) -> bool:
    """Whether any value is finite, so that there is something to draw."""
    return any(math.isfinite(value) for item in series for _, value in item.points)


def _label_and_selector(variable: Json, values: Mapping[str, str]) -> tuple[str, str]:
    """The label that a variable takes its values from, and the selector of the series that have it."""
    match = QUERY.fullmatch(variable["query"])
    assert match, "check_dashboards rejects other variables"
    return match["label"], substitute(match["metric"], values)


def narrowed(selector: str, matcher: str) -> str:
    """A selector with one more matcher."""
    if not selector.endswith("}"):
        return f"{selector}{{{matcher}}}"
    inner = selector.removesuffix("}").rstrip().removesuffix(",")
    return f"{inner}{'' if inner.endswith('{') else ', '}{matcher}}}"

"""Asks a running Prometheus every query of every page, with variables filled in as Grafana does."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from dashboards.check import QUERY
from dashboards.correct import Json
from dashboards.expected_empty import Reason
from dashboards.promql import filled, seconds_of, windows
from dashboards.reading import Question, questions_of, variables_of
from nervesys.prometheus import Prometheus, QueryFailed, Series

POINTS = 250
"""Of a graph, at most."""


class Verdict(StrEnum):
    """What came of a question."""

    DATA = "data"
    EMPTY = "empty, as expected"
    UNEXPECTEDLY_EMPTY = "empty"
    UNEXPECTEDLY_FULL = "data, though none is expected"
    FAILED = "failed"

    @property
    def fine(self) -> bool:
        """Whether it is as it should be."""
        return self in {Verdict.DATA, Verdict.EMPTY}


@dataclass(frozen=True)
class Answer:
    """A question and what came of it.

    Attributes:
        detail: Prometheus' words where it failed, the reason where nothing is expected.
    """

    question: Question
    verdict: Verdict
    detail: str = ""


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

    def answers(self, pages: Sequence[Json], expected_empty: Mapping[str, Reason]) -> Iterator[Answer]:
        """Ask everything.

        Args:
            pages: as generated.
            expected_empty: by question, as its text, the reason why it has no answer.
        """
        holding = {reason for reason in expected_empty.values() if self._holds(reason)}
        for page in pages:
            span, values = seconds_of(page["time"]["from"]), self.variables(page)
            for question in questions_of(page):
                reason = expected_empty.get(str(question))
                try:
                    found = has_data(self.ask(question, values, span))
                except QueryFailed as err:
                    yield Answer(question, Verdict.FAILED, str(err))
                else:
                    verdict = _verdict(found, expected_empty=reason is not None, holds=reason in holding)
                    yield Answer(question, verdict, reason.text if reason else "")

    def _holds(self, reason: Reason) -> bool:
        return not (reason.unless and has_data(self.prometheus.instant(reason.unless, self.now)))

    def variables(self, page: Json) -> dict[str, str]:
        """What a page's variables are at first: all values where several may be chosen, else the first one.

        Raises:
            QueryFailed: with Prometheus' own words.
        """
        values: dict[str, str] = {}
        for variable in variables_of(page):
            match = QUERY.fullmatch(variable["query"])
            assert match, "the rules of the pages see to that"
            if variable["includeAll"]:
                values[variable["name"]] = variable["allValue"]
                continue
            label = match["label"]
            series = self.prometheus.instant(f"group by ({label}) ({filled(match['metric'], values)})", self.now)
            values[variable["name"]] = min((one.labels.get(label, "") for one in series), default="")
        return values

    def ask(self, question: Question, values: Mapping[str, str], span: float) -> list[Series]:
        """The answer to one question.

        Args:
            question: what is asked.
            values: of the page's variables.
            span: of the time range, in seconds.

        Raises:
            QueryFailed: with Prometheus' own words.
        """
        least = seconds_of(question.min_step) if question.min_step else self.interval
        step = max(least, span / POINTS)
        expr = filled(question.expr, {**values, **windows(step, least, span)})
        if question.instant:
            return self.prometheus.instant(expr, self.now)
        return self.prometheus.range(expr, self.now - span, self.now, step)


def has_data(series: Sequence[Series]) -> bool:
    """Whether there is anything to draw: one number that is neither NaN nor infinite."""
    return any(math.isfinite(value) for one in series for _, value in one.points)


def _verdict(found: bool, *, expected_empty: bool, holds: bool) -> Verdict:
    if found:
        return Verdict.UNEXPECTEDLY_FULL if holds else Verdict.DATA
    return Verdict.EMPTY if expected_empty else Verdict.UNEXPECTEDLY_EMPTY

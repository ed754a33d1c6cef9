"""The kinds of terms that a condition can compare, each with the PromQL that it is compiled to.

All of them are empty while their source is not refreshed (`alerting.conditions.freshness_guards`). They aggregate
`by (…)`, so that an alert keeps its fingerprint when an instance moves. And they look back over a window instead of
using `for`, which starts anew after a gap of one evaluation or a restart of Prometheus.
"""

from dataclasses import dataclass
from typing import Protocol

from alerting.conditions.freshness_guards import (
    LAST_SUCCESS,
    age_when_read,
    fresh_limit,
    number,
    of_area,
    require_fresh,
    unbroken_source,
)
from alerting.units import BaseUnit, promql_duration
from nervesys.metrics import SourceArea
from nervesys.metrics.condition_terms import ThresholdReader
from nervesys.settings import Settings

ENOUGH = 0.8
"""Share of the expected samples of a window that must exist; with fewer, the alert does not fire."""
WINDOW_HEARTBEATS = WINDOW_SCRAPES = 4
"""Heartbeats in the window of a gauge whose condition names none."""

MILDEST = {">": ("min", "max"), "<": ("max", "min")}
"""By operator: the function over the window, and the aggregation of several series. Both take the mildest value."""
MIRRORED = {">": "<", ">=": "<="}
"""The operator for the same distance below zero."""


class Term(Protocol):
    """Something that can be compared."""

    @property
    def selector(self) -> str:
        """The series."""

    @property
    def by(self) -> tuple[str, ...]:
        """The labels that its result carries."""

    @property
    def unit(self) -> BaseUnit:
        """What it is compared with."""

    @property
    def threshold(self) -> ThresholdReader | None:
        """What `threshold` stands for, if anything; percent for shares."""

    def promql(self, settings: Settings, operator: str, bound: "Bound", window: float | None) -> str:
        """The condition as PromQL.

        Args:
            settings: intervals and limits.
            operator: one of > >= < <=.
            bound: in the base unit, or something else that is measured alike.
            window: seconds; None for the term's own.
        """

    def value(self, settings: Settings, operator: str, window: float | None) -> str | None:
        """The compared value as PromQL; None where there is no single value."""


@dataclass(frozen=True)
class GaugeTerm:
    """A gauge that stays beyond a bound all through a window.

    Attributes:
        selector: the gauge.
        origin: where it is read from; None for a program's own metrics.
        per: PromQL of the division, from its operator on; empty for none.
        either_side: whether the bound is a distance from zero, in both directions.
    """

    selector: str
    by: tuple[str, ...]
    unit: BaseUnit
    origin: SourceArea | None = None
    threshold: ThresholdReader | None = None
    per: str = ""
    either_side: bool = False

    def promql(self, settings: Settings, operator: str, bound: "Bound", window: float | None) -> str:
        """All samples of the window are beyond the bound, and there are enough of them."""
        span = self._window(settings) if window is None else window
        mildest, outer = MILDEST[operator[0]]
        series = f"{self.selector}[{promql_duration(span)}]"
        beyond = (
            f"{mildest}_over_time({series}){self.per} {operator} {_right_side(self, settings, operator, bound, window)}"
        )
        if self.either_side:
            _check_operator(operator)
            distance = number(_number_bound(bound))
            beyond = f"({beyond} or max_over_time({series}) {MIRRORED[operator]} -{distance})"
        if self.origin:
            beyond = require_fresh(settings, beyond, self.origin)
        labels = ", ".join(self.by)
        expected = span / settings.monitoring.prometheus.scrape_interval_seconds
        return (
            f"{outer} by ({labels}) (\n  {beyond}\n)\n"
            f"and on ({labels}) sum by ({labels}) (count_over_time({series})) >= {number(ENOUGH * expected)}"
        )

    def value(self, settings: Settings, operator: str, window: float | None) -> str:
        """The mildest sample of the window."""
        span = self._window(settings) if window is None else window
        mildest, outer = MILDEST[operator[0]]
        sample = f"{mildest}_over_time({self.selector}[{promql_duration(span)}]){self.per}"
        if self.origin:
            sample = require_fresh(settings, sample, self.origin)
        return f"{outer} by ({', '.join(self.by)}) (\n  {sample}\n)"

    def _window(self, settings: Settings) -> float:
        """Four heartbeats; four refreshes or four scrapes where they are slower."""
        heartbeats = WINDOW_HEARTBEATS * settings.thresholds.heartbeat.interval_seconds
        refreshes = fresh_limit(settings, self.origin) if self.origin else 0
        return max(heartbeats, refreshes, WINDOW_SCRAPES * settings.monitoring.prometheus.scrape_interval_seconds)


@dataclass(frozen=True)
class CountTerm:
    """How often something happened within a window.

    Attributes:
        selector: a counter, or for `changes` a gauge.
        origin: where it is read from; None for a program's own metrics.
        function: PromQL function over a range.
        divisor: a second counter; what is compared is the first for each of the second.
        scale: what the result is multiplied by.
    """

    selector: str
    by: tuple[str, ...]
    origin: SourceArea | None = None
    function: str = "increase"
    unit: BaseUnit = BaseUnit.COUNT
    threshold: ThresholdReader | None = None
    divisor: str = ""
    scale: float = 1

    def promql(self, settings: Settings, operator: str, bound: "Bound", window: float | None) -> str:
        """The sum of the counts; `ValueError` without a window, for a count has no default one."""
        right_side = _right_side(self, settings, operator, bound, window)
        return f"{self.value(settings, operator, window)} {operator} {right_side}"

    def value(self, settings: Settings, operator: str, window: float | None) -> str:
        """The sum of the counts."""
        if window is None:
            raise ValueError("the window is missing, such as `in 1 hour`")
        total = " / ".join(
            self._summed(settings, selector, window) for selector in (self.selector, self.divisor) if selector
        )
        return total if self.scale == 1 else f"{total} * {number(self.scale)}"

    def _summed(self, settings: Settings, selector: str, window: float) -> str:
        counted = f"{self.function}({selector}[{promql_duration(window)}])"
        if self.origin:
            counted = require_fresh(settings, counted, self.origin)
        return f"sum by ({', '.join(self.by)}) (\n  {counted}\n)"


@dataclass(frozen=True)
class AgeTerm:
    """The time since something last happened.

    Attributes:
        selector: a gauge that holds the time of the newest.
        narrowed: PromQL that leaves out some series, from its operator on.
        must_exist: whether the condition also holds where there was no series at all for as long as the bound.
    """

    selector: str
    by: tuple[str, ...]
    origin: SourceArea
    threshold: ThresholdReader | None = None
    narrowed: str = ""
    must_exist: bool = False
    unit: BaseUnit = BaseUnit.SECONDS

    def promql(self, settings: Settings, operator: str, bound: "Bound", window: float | None) -> str:
        """The age, gated; `ValueError` where the bound is so short that ordinary delays would exceed it."""
        _check_operator(operator)
        limit = _number_bound(bound)
        if window is not None:
            raise ValueError("an age has no window; remove what follows `for`")
        least = fresh_limit(settings, self.origin) + 2 * settings.thresholds.heartbeat.interval_seconds
        if limit < least:
            raise ValueError(
                f"{limit:g} s is too short: data that is unread for up to {fresh_limit(settings, self.origin):g}"
                f" s and written every {settings.thresholds.heartbeat.interval_seconds:g} s, takes at least {least:g} s"
            )
        old = f"{self._age(settings)} {operator} {number(limit)}"
        return f"{old}{self.narrowed}" + (f"\nor\n{self._never_existed(settings, limit)}" if self.must_exist else "")

    def value(self, settings: Settings, operator: str, window: float | None) -> str:
        """The age, without the series that `narrowed` leaves out."""
        return f"{self._age(settings)}{self.narrowed}"

    def _age(self, settings: Settings) -> str:
        age = require_fresh(settings, age_when_read(self.selector, self.origin), self.origin, silence=True)
        return f"min by ({', '.join(self.by)}) (\n  {age}\n)"

    def _never_existed(self, settings: Settings, bound: float) -> str:
        """The bound, as a value, where the source was read for as long as the bound and had no such series."""
        span = promql_duration(bound)
        watched = f"{LAST_SUCCESS}{of_area(self.origin)}[{span}]"
        expected = ENOUGH * bound / settings.monitoring.prometheus.scrape_interval_seconds
        return (
            f"(sum(count_over_time({watched})) >= bool {number(expected)}) * {number(bound)} > 0\n"
            f"and on () {unbroken_source(settings, self.origin)}\n"
            f"unless on () last_over_time({self.selector}[{span}])"
        )


@dataclass(frozen=True)
class QuietTerm:
    """The time since something of an agent was last seen, while the agent runs.

    Attributes:
        selector: a gauge that holds the time of the newest, as the source shows it: it is right from the first pass on.
    """

    selector: str
    origin: SourceArea
    threshold: ThresholdReader
    by: tuple[str, ...] = ("agent",)
    unit: BaseUnit = BaseUnit.SECONDS

    def promql(self, settings: Settings, operator: str, bound: "Bound", window: float | None) -> str:
        """Agents that have run for as long as the bound, and of which nothing as new as that was seen."""
        _check_operator(operator)
        limit = _number_bound(bound)
        running = f"(time() - nervesys_agent_start_timestamp_seconds) {operator} {number(limit)}"
        running = require_fresh(settings, running, self.origin, silence=True)
        down_after = number(settings.thresholds.heartbeat.down_after_seconds)
        within = "<=" if operator == ">" else "<"
        # The shard that sees the agent is not the one that sees its server's folders: both must be there.
        divided = settings.monitoring.sources[self.origin.source].shards > 1
        everywhere = f"\nand on () {unbroken_source(settings, self.origin)}" if divided else ""
        return (
            f"max by (agent) (\n  {running}\n)\n"
            f"and on (agent) (time() - max by (agent) (nervesys_agent_heartbeat_timestamp_seconds) < {down_after})\n"
            f"unless on (agent) (time() - max by (agent) ({self.selector}) {within} {number(limit)}){everywhere}"
        )

    def value(self, settings: Settings, operator: str, window: float | None) -> str:
        """The time since the newest."""
        return f"time() - max by ({', '.join(self.by)}) ({self.selector})"


Comparable = GaugeTerm | CountTerm
"""Terms that can be compared with each other."""
Bound = float | Comparable


def _right_side(left: Comparable, settings: Settings, operator: str, bound: Bound, window: float | None) -> str:
    """The right side of a comparison: a number, or the other term at its highest or lowest, matched on the labels."""
    if isinstance(bound, Comparable):
        other = bound.value(settings, MIRRORED.get(operator, ">"), window)
        return f"on ({', '.join(left.by)}) group_left () {other}"
    return number(bound)


def _number_bound(bound: Bound) -> float:
    if isinstance(bound, Comparable):
        raise ValueError("a distance is compared with a value")  # noqa: TRY004  # wrong words, not a wrong type
    return bound


def _check_operator(operator: str) -> None:
    if operator not in MIRRORED:
        raise ValueError(f"{operator} cannot be used with an age or a distance; use > or >=")

"""The kinds of things that a condition can speak of, each with the PromQL that asks for it safely.

What they share: they are empty while their source may not be believed (`alerting.gates`), they end in `by (…)`, so
that an alert keeps its identity when an instance moves, and they look back over a window rather than wait with
`for`, which a gap of one evaluation or a restart of Prometheus would start anew.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from alerting.gates import LAST_SUCCESS, Origin, fresh_limit, gated, number, whole
from alerting.units import Unit, promql_duration
from nervesys.settings import Settings
from nervesys.settings.thresholds import Pair, Thresholds

ENOUGH = 0.8
"""Share of a window's samples that must be there: what was not watched is not known."""

MIRRORED = {">": "<", ">=": "<="}
"""What a comparison becomes on the other side of zero."""

Threshold = Callable[[Thresholds], Pair | float]


class Term(Protocol):
    """Something that can be compared."""

    @property
    def by(self) -> tuple[str, ...]:
        """The labels that its result carries."""

    @property
    def unit(self) -> Unit:
        """What it is compared with."""

    @property
    def threshold(self) -> Threshold | None:
        """What `threshold` stands for, if anything; percent for shares."""

    def promql(self, settings: Settings, operator: str, bound: float, window: float | None) -> str:
        """The condition as PromQL.

        Args:
            settings: intervals and limits.
            operator: one of > >= < <=.
            bound: in the base unit.
            window: seconds; None for the term's own.
        """


@dataclass(frozen=True)
class Level:
    """A gauge that stays beyond a bound all through a window.

    Attributes:
        selector: the gauge.
        origin: where it is read from; None for what a program tells of itself.
        per: what it is divided by, with the operator.
        either_side: the bound is one of distance from zero.
    """

    selector: str
    by: tuple[str, ...]
    unit: Unit
    origin: Origin | None = None
    threshold: Threshold | None = None
    per: str = ""
    either_side: bool = False

    def promql(self, settings: Settings, operator: str, bound: float, window: float | None) -> str:
        """Beyond the bound at the mildest sample of the window, with enough samples there."""
        span = self._window(settings) if window is None else window
        mildest, outer = ("min", "max") if operator.startswith(">") else ("max", "min")
        series = f"{self.selector}[{promql_duration(span)}]"
        beyond = f"{mildest}_over_time({series}){self.per} {operator} {number(bound)}"
        if self.either_side:
            _demand_more(operator)
            beyond = f"({beyond} or max_over_time({series}) {MIRRORED[operator]} -{number(bound)})"
        if self.origin:
            beyond = gated(settings, beyond, self.origin)
        labels = ", ".join(self.by)
        expected = span / settings.monitoring.prometheus.scrape_interval_seconds
        return (
            f"{outer} by ({labels}) (\n  {beyond}\n)\n"
            f"and on ({labels}) sum by ({labels}) (count_over_time({series})) >= {number(ENOUGH * expected)}"
        )

    def _window(self, settings: Settings) -> float:
        """Four heartbeats, or four refreshes where they are slower."""
        heartbeats = 4 * settings.thresholds.heartbeat.interval_seconds
        refreshes = fresh_limit(settings, self.origin) if self.origin else 0
        return max(heartbeats, refreshes)


@dataclass(frozen=True)
class Count:
    """How often something happened within a window.

    Attributes:
        selector: a counter, or for `changes` a gauge.
        origin: where it is read from; None for what a program tells of itself.
        function: of PromQL, over a range.
    """

    selector: str
    by: tuple[str, ...]
    origin: Origin | None = None
    function: str = "increase"
    unit: Unit = Unit.COUNT
    threshold: Threshold | None = None

    def promql(self, settings: Settings, operator: str, bound: float, window: float | None) -> str:
        """The count, summed; `ValueError` without a window, for nobody can know which was meant."""
        if window is None:
            raise ValueError("say within which time, such as `in 1 hour`")
        counted = f"{self.function}({self.selector}[{promql_duration(window)}])"
        labels = ", ".join(self.by)
        if self.origin:
            counted = gated(settings, counted, self.origin)
        return f"sum by ({labels}) (\n  {counted}\n) {operator} {number(bound)}"


@dataclass(frozen=True)
class Age:
    """For how long nothing new has come.

    Attributes:
        selector: a gauge that holds the instant of the newest.
        narrowed: PromQL that leaves out some of it, with its operator.
        must_exist: nothing at all, for as long as the bound, is as bad as something old.
    """

    selector: str
    by: tuple[str, ...]
    origin: Origin
    threshold: Threshold
    narrowed: str = ""
    must_exist: bool = False
    unit: Unit = Unit.SECONDS

    def promql(self, settings: Settings, operator: str, bound: float, window: float | None) -> str:
        """The age, while the source has been read without a break; `ValueError` for a bound within ordinary delays."""
        _demand_more(operator)
        if window is not None:
            raise ValueError("an age stands by itself; leave out what follows `for`")
        least = fresh_limit(settings, self.origin) + 2 * settings.thresholds.heartbeat.interval_seconds
        if bound < least:
            raise ValueError(
                f"{bound:g} s is too short: what may go unread for {fresh_limit(settings, self.origin):g} s, and is "
                f"written each {settings.thresholds.heartbeat.interval_seconds:g} s, takes at least {least:g} s"
            )
        age = gated(settings, f"(time() - {self.selector})", self.origin, silence=True)
        old = f"min by ({', '.join(self.by)}) (\n  {age}\n) {operator} {number(bound)}"
        return f"{old}{self.narrowed}" + (f"\nor\n{self._nothing(settings, bound)}" if self.must_exist else "")

    def _nothing(self, settings: Settings, bound: float) -> str:
        """The source was watched for as long as the bound and held nothing; worth the bound, its least age."""
        span = promql_duration(bound)
        watched = f"{LAST_SUCCESS}{self.origin}[{span}]"
        expected = ENOUGH * bound / settings.monitoring.prometheus.scrape_interval_seconds
        return (
            f"(sum(count_over_time({watched})) >= bool {number(expected)}) * {number(bound)} > 0\n"
            f"and on () {whole(settings, self.origin)}\n"
            f"unless on () last_over_time({self.selector}[{span}])"
        )


@dataclass(frozen=True)
class Quiet:
    """A counter of an agent at work that no longer grows.

    Attributes:
        selector: the counter.
    """

    selector: str
    origin: Origin
    threshold: Threshold
    by: tuple[str, ...] = ("agent",)
    unit: Unit = Unit.SECONDS

    def promql(self, settings: Settings, operator: str, bound: float, window: float | None) -> str:
        """Agents that have worked for as long as the bound, less those whose counter is above what it was then."""
        _demand_more(operator)
        running = f"(time() - nervesys_agent_start_timestamp_seconds) {operator} {number(bound)}"
        running = gated(settings, running, self.origin, silence=True)
        down_after = number(settings.thresholds.heartbeat.down_after_seconds)
        now = f"sum by (agent) ({self.selector})"
        then = f"sum by (agent) ({self.selector} offset {promql_duration(bound)})"
        return (
            f"max by (agent) (\n  {running}\n)\n"
            f"and on (agent) (time() - max by (agent) (nervesys_agent_heartbeat_timestamp_seconds) < {down_after})\n"
            f"unless on (agent) ({now} > ({then} or 0 * {now}))"
        )


def _demand_more(operator: str) -> None:
    if operator not in MIRRORED:
        raise ValueError(f"{operator} makes no sense of an age or a distance; write > or >=")

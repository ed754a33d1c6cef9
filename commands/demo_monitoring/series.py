"""OpenMetrics text of single series. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

from nervesys.metrics.family import HISTORY, escape, number

INSTANCE = "demo"
STEP_SECONDS = 240
"""Between samples of a value that holds: Prometheus returns a sample for five minutes."""
AROUND_SECONDS = 60
"""A counter that is rarely increased has a sample so long before and after: reports compare values a minute apart."""
Points = Iterable[tuple[float, float]]
"""Unix seconds and values, oldest first."""


def series_text(name: str, labels: Mapping[str, str], points: Points) -> str:
    """The samples of a series, with the labels of a scrape.

    Args:
        name: its name.
        labels: without `job` and `instance`.
        points: one sample each.
    """
    return recorded_text(name, {**labels, "instance": INSTANCE, "job": HISTORY}, points)


def recorded_text(name: str, labels: Mapping[str, str], points: Points) -> str:
    """The samples of a series that a rule records; the rule continues it.

    Args:
        name: its name.
        labels: all of them.
        points: one sample each.
    """
    pairs = ",".join(f'{label}="{escape(value)}"' for label, value in labels.items())
    return "".join([f"{name}{{{pairs}}} {number(value)} {number(at)}\n" for at, value in points])


def steps(start: float, end: float, seconds: float = STEP_SECONDS) -> Iterator[float]:
    """Instants at equal distances."""
    at = start
    while at <= end:
        yield at
        at += seconds


def constant(value: float, instants: Iterable[float]) -> Points:
    """The same value at each instant."""
    return ((at, value) for at in instants)


def counter(increases: Iterable[tuple[float, float]]) -> Points:
    """The samples of a counter: at each increase, and a minute before and after.

    Args:
        increases: Unix seconds and amounts, oldest first.
    """
    rows = list(increases)
    times, totals = [at for at, _ in rows], [0.0, *accumulate(amount for _, amount in rows)]
    instants = {at + shift for at in times for shift in (-AROUND_SECONDS, 0, AROUND_SECONDS)}
    return ((at, totals[bisect_right(times, at)]) for at in sorted(instants))

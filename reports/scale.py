"""Computes the ticks of graphs: round values, and round times in the reader's time zone."""

import math
from collections.abc import Iterable
from datetime import datetime, timedelta, tzinfo

MINUTE, HOUR, DAY = 60, 3600, 86400
TIME_STEPS = (
    *(1, 2, 5, 10, 15, 30),
    *(MINUTE * count for count in (1, 2, 5, 10, 15, 30)),
    *(HOUR * count for count in (1, 2, 3, 6, 12)),
    *(DAY * count for count in (1, 2, 7, 14, 30, 90, 365)),
)
MONDAY = timedelta(days=4)
"""The first Monday of 1970; ticks of weeks are Mondays."""


def ticks(low: float, high: float, unit: str, count: int) -> list[float]:
    """Round values from at or below `low` to at or above `high`.

    Args:
        low: smallest value.
        high: largest value; above `low`.
        unit: Grafana's name; bytes use powers of two, seconds use minutes and hours.
        count: approximate number of ticks.
    """
    step = _step((high - low) / count, unit)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [index * step for index in range(first, last + 1)]


def _step(least: float, unit: str) -> float:
    if unit == "s" and least > 1:
        return _next(least, TIME_STEPS)
    base = 1024 if unit == "bytes" else 10
    power = float(base ** math.floor(math.log(least, base)))
    rounds = (1, 2, 5, 10) if base == 10 else tuple(2.0**exponent for exponent in range(11))
    return power * _next(least / power, rounds)


def _next(least: float, steps: Iterable[float]) -> float:
    return next((step for step in steps if step >= least * (1 - 1e-9)), least)


def time_ticks(start: float, end: float, zone: tzinfo, count: int) -> list[tuple[float, str]]:
    """Round times in a time zone, as Unix seconds, each with its label.

    Args:
        start: Unix seconds.
        end: Unix seconds, after `start`.
        zone: time zone of the reader.
        count: approximate maximum number of ticks.
    """
    step = _next((end - start) / count, TIME_STEPS)
    form = "%b %d" if step >= DAY else "%H:%M" if step >= MINUTE else "%H:%M:%S"
    wall = datetime.fromtimestamp(start, zone).replace(tzinfo=None)
    since = wall - datetime(1970, 1, 1) - (MONDAY if step % (7 * DAY) == 0 else timedelta())  # noqa: DTZ001
    at = wall + timedelta(seconds=-since.total_seconds() % step)
    found: list[tuple[float, str]] = []
    while (instant := at.replace(tzinfo=zone).timestamp()) <= end:
        midnight = step < DAY and end - start > DAY / 2 and at.hour == at.minute == 0
        found.append((instant, at.strftime("%b %d" if midnight else form)))
        at += timedelta(seconds=step)
    return found

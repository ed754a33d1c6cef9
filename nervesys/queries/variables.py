"""Grafana's variables in queries: finds them, and replaces them by values."""

import re
from collections.abc import Mapping

from nervesys.contract.times import seconds_of
from nervesys.metrics.periods import WINDOW_PERIODS

_VARIABLE = re.compile(r"\$(?P<bare>[A-Za-z_]\w*)|\$\{(?P<braced>\w+)(?:\.[^:}]+)?(?::[^}]+)?\}")
LAST_INSTANT = 253_402_300_799
"""The last second of the year 9999, after which no calendar of Python goes."""
ANY = ".*"
"""The value of a variable of which all values are chosen: the matcher that costs Prometheus least, for it is none."""


def variables_in(text: str) -> set[str]:
    """The names of all variables in a text, with Grafana's built-in ones (`__…`)."""
    return {match["bare"] or match["braced"] for match in _VARIABLE.finditer(text)}


def substitute(text: str, values: Mapping[str, str]) -> str:
    """Replace variables by their values; variables without a value are left as they are."""
    return _VARIABLE.sub(lambda match: values.get(match["bare"] or match["braced"], match[0]), text)


def instant_of(text: str, now: float) -> float:
    """Unix seconds of a time as Grafana writes it: `now`, `now-6h`, or milliseconds since 1970.

    Raises:
        ValueError: it is none of these.
    """
    if re.fullmatch(r"[0-9]{1,15}", text):
        instant = int(text) / 1000
    else:
        instant = now if text == "now" else now - seconds_of(text)
    if not 0 <= instant <= LAST_INSTANT:
        raise ValueError(f"{text}: not within the years 1970 to 9999")
    return instant


def windows(step: float, least: float, span: float) -> dict[str, str]:
    """The values of Grafana's built-in variables.

    Args:
        step: seconds between two points.
        least: smallest step of the query, or else the data source's interval, in seconds.
        span: length of the time range, in seconds.
    """
    rate = max(step + least, WINDOW_PERIODS * least)
    return {
        "__interval": f"{step * 1000:.0f}ms",
        "__interval_ms": f"{step * 1000:.0f}",
        "__rate_interval": f"{rate * 1000:.0f}ms",
        "__range": f"{span:.0f}s",
        "__range_ms": f"{span * 1000:.0f}",
        "__range_s": f"{span:.0f}",
    }

"""Parameters of requests, as Loki documents them (grafana.com/docs/loki, HTTP API)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from nervesys.contract.times import parse_time
from nervesys.errors import BadObject
from nervesys.logs.logql.lexer import LogqlError, parse_duration
from nervesys.logs.logql.parser import LONGEST_SECONDS

NANO = 1_000_000_000
DEFAULT_SECONDS = 3600
DEFAULT_LINES = 100
DEFAULT_STEPS = 250
SECONDS_DIGITS = 10
"""A whole number of more digits is nanoseconds."""


@dataclass(frozen=True)
class RangeParameters:
    """A request's time range and limits.

    Attributes:
        start: Unix seconds.
        end: Unix seconds.
        step: seconds.
        limit: lines.
        newest_first: direction.
    """

    start: float
    end: float
    step: float
    limit: int
    newest_first: bool

    @classmethod
    def of(cls, query: Mapping[str, str], now: float, max_lines: int) -> "RangeParameters":
        """From a query string.

        Raises:
            LogqlError: a parameter is wrong.
        """
        end = instant(query, "end", now)
        since = _duration("since", query["since"]) if query.get("since") else DEFAULT_SECONDS
        start = instant(query, "start", end - since)
        if start > end:
            raise LogqlError("start is after end")
        step = _duration("step", query["step"]) if query.get("step") else max((end - start) / DEFAULT_STEPS, 1)
        direction = query.get("direction") or "backward"
        if direction.lower() not in ("backward", "forward"):
            raise LogqlError(f"direction {direction!r}: is neither backward nor forward")
        return cls(start, end, step, _limit(query, max_lines), direction.lower() == "backward")


def instant(query: Mapping[str, str], name: str, default: float) -> float:
    """Unix seconds of a time: nanoseconds or seconds since 1970, or RFC 3339.

    Raises:
        LogqlError: it is none of these.
    """
    text = query.get(name)
    if not text:
        return default
    if re.fullmatch(r"\d{1,19}(\.\d{1,9})?", text):
        whole = "." not in text and len(text) > SECONDS_DIGITS
        return int(text) / NANO if whole else float(text)
    try:
        return parse_time(text)
    except BadObject:
        raise LogqlError(f"{name} {text!r}: is no time in nanoseconds, seconds or RFC 3339") from None


def _duration(name: str, text: str) -> float:
    try:
        seconds = parse_duration(text)
    except ValueError:
        raise LogqlError(f"{name} {text!r}: is no duration such as 30s, and no number of seconds") from None
    if not 0 < seconds <= LONGEST_SECONDS:  # nan is neither
        raise LogqlError(f"{name} {text!r}: is not longer than 0 and at most 100 years")
    return seconds


def _limit(query: Mapping[str, str], max_lines: int) -> int:
    text = query.get("limit") or str(min(DEFAULT_LINES, max_lines))
    if not re.fullmatch(r"\d{1,9}", text) or int(text) < 1:
        raise LogqlError(f"limit {text!r}: is no positive number")
    if int(text) > max_lines:
        raise LogqlError(f"limit {text}: is more than {max_lines} lines, the limit of one query (logs.query.max_lines)")
    return int(text)

"""Instants: RFC 3339 text with `Z` in objects, Unix seconds as floats inside programs."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from math import floor

from nervesys.errors import BadObject, Reason

DAY_SECONDS = 86_400
END_OF_CALENDAR = 253_402_300_800
"""The first second of the year 10000."""
UNIT_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
"""Seconds of a unit, as Grafana and Prometheus write it."""
_EPOCH = re.compile(r"[0-9]{9,16}(\.[0-9]*)?")
"""Eight digits are a date of ISO 8601."""
_LEAP_SECOND = re.compile(r"([0-9]{2}:[0-9]{2}:)60")


def parse_time(text: str) -> float:
    """Unix seconds of an RFC 3339 instant; a text without an offset is read as UTC.

    Letters may be small, fractions of any length, and second 60 is the first of the next minute (RFC 3339, 5.6 and
    5.7). Text of nine digits or more are seconds or milliseconds since 1970.

    Raises:
        BadObject: `bad_value` when the text is not an instant.
    """
    if _EPOCH.fullmatch(text):
        return epoch_seconds(float(text))
    try:
        written, leaps = _LEAP_SECOND.subn(r"\g<1>59", text, count=1)
        instant = datetime.fromisoformat(written.upper())
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp() + leaps
    except (ValueError, OverflowError) as err:
        raise BadObject(Reason.BAD_VALUE, f"not an RFC 3339 instant: {text[:40]!r}") from err


def parse_instant(value: object) -> float:
    """Unix seconds of an instant in JSON: text as of `parse_time`, or a number as of `epoch_seconds`.

    Raises:
        BadObject: `bad_value` when it is neither, or not within 1970 to 9999.
    """
    try:
        if isinstance(value, str):
            seconds = parse_time(value)
        else:
            seconds = epoch_seconds(float("" if isinstance(value, bool) else value))  # type: ignore[arg-type]  # float() raises for other types
    except (TypeError, ValueError, OverflowError) as err:
        raise BadObject(Reason.BAD_VALUE, f"not an instant: {str(value)[:40]!r}") from err
    if not 0 <= seconds < END_OF_CALENDAR:
        raise BadObject(Reason.BAD_VALUE, f"not within 1970 to 9999: {str(value)[:40]!r}")
    return seconds


def seconds_of(text: str) -> float:
    """Seconds of a duration such as `10m`, or of the offset in a time such as `now-6h`.

    Raises:
        ValueError: it is neither.
    """
    match = re.fullmatch(r"(?:now-)?([0-9]{1,9})(ms|[smhdwy])", text)
    if match is None:
        raise ValueError(f"{text}: not a duration such as 30s, 10m or 6h")
    return int(match[1]) * UNIT_SECONDS[match[2]]


def epoch_seconds(number: float) -> float:
    """Unix seconds of a number of seconds or milliseconds since 1970; beyond the year 9999 it is milliseconds."""
    return number / 1000 if number >= END_OF_CALENDAR else number


def format_time(seconds: float) -> str:
    """An instant as RFC 3339 with milliseconds and `Z`, such as `2026-01-31T10:15:00.250Z`."""
    whole = floor(seconds)
    micros = round((seconds - whole) * 1_000_000)  # as datetime rounds
    if micros == 1_000_000:
        whole, micros = whole + 1, 0
    return _millisecond(whole, micros // 1000)


@lru_cache(maxsize=64)
def _millisecond(whole: int, millis: int) -> str:
    """Records come many at once."""
    return f"{datetime.fromtimestamp(whole, UTC).isoformat()[:19]}.{millis:03}Z"


def utc(seconds: float) -> datetime:
    """An instant as an aware datetime, for the dates and hours that stand in keys."""
    return datetime.fromtimestamp(seconds, UTC)

"""Instants: RFC 3339 text with `Z` in objects, Unix seconds as floats inside programs."""

from datetime import UTC, datetime
from functools import lru_cache
from math import floor

from nervesys.errors import BadObject, Reason

DAY_SECONDS = 86_400


def parse_time(text: str) -> float:
    """Unix seconds of an RFC 3339 instant; a text without an offset is read as UTC.

    Raises:
        BadObject: `bad_value` when the text is not an instant.
    """
    try:
        instant = datetime.fromisoformat(text)
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as err:
        raise BadObject(Reason.BAD_VALUE, f"not an RFC 3339 instant: {text[:40]!r}") from err


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

"""Quantities as people write them, as numbers in base units: seconds, bytes, ratios, counts."""

import re
from collections.abc import Mapping
from enum import StrEnum


class BaseUnit(StrEnum):
    """What a number measures; also how messages name it."""

    SECONDS = "a duration, such as 5 minutes"
    BYTES = "a size, such as 50 MB"
    RATIO = "a share, such as 90%"
    COUNT = "a plain number"


def _spellings(**seconds: float) -> Mapping[str, tuple[BaseUnit, float]]:
    """Singular, plural and the first letter of each: minutes, minute, m."""
    forms = {name: (BaseUnit.SECONDS, factor) for plural, factor in seconds.items() for name in (plural, plural[:-1])}
    return forms | {plural[0]: (BaseUnit.SECONDS, factor) for plural, factor in seconds.items()}


UNITS: Mapping[str, tuple[BaseUnit, float]] = {
    **_spellings(seconds=1, minutes=60, hours=3600, days=86400, weeks=604800),
    "min": (BaseUnit.SECONDS, 60),
    "%": (BaseUnit.RATIO, 0.01),
    "percent": (BaseUnit.RATIO, 0.01),
    "B": (BaseUnit.BYTES, 1),
    "kB": (BaseUnit.BYTES, 10**3),
    "MB": (BaseUnit.BYTES, 10**6),
    "GB": (BaseUnit.BYTES, 10**9),
    "TB": (BaseUnit.BYTES, 10**12),
    "KiB": (BaseUnit.BYTES, 1 << 10),
    "MiB": (BaseUnit.BYTES, 1 << 20),
    "GiB": (BaseUnit.BYTES, 1 << 30),
}
"""Every spelling of a unit: what it measures, and its size in the base unit."""


def parse_duration(text: str) -> float:
    """A duration in seconds, from text such as `5 minutes`, `90s` or `1h30m`.

    Raises:
        ValueError: it is no duration.
    """
    if not re.fullmatch(r"(\s*\d+(\.\d+)?\s*[a-z]+)+\s*", text):
        raise ValueError(f"{text!r} is not {BaseUnit.SECONDS}")
    total = 0.0
    for number, spelling in re.findall(r"([\d.]+)\s*([a-z]+)", text):
        unit, factor = UNITS.get(spelling, (None, 0))
        if unit is not BaseUnit.SECONDS:
            raise ValueError(f"{spelling!r} is not a unit of time; there are: seconds, minutes, hours, days, weeks")
        total += float(number) * factor
    return total


def promql_duration(value: float) -> str:
    """Seconds as PromQL writes a duration, in the largest unit that keeps it whole; fractions in milliseconds."""
    if value != int(value):
        return f"{round(value * 1000)}ms"
    for size, letter in ((86400, "d"), (3600, "h"), (60, "m")):
        if value and value % size == 0:
            return f"{int(value) // size}{letter}"
    return f"{int(value)}s"


def format_quantity(value: float, unit: BaseUnit) -> str:
    """A number in its base unit as people read it: `93.1%`, `5m 12s`, `1.5 GB`."""
    match unit:
        case BaseUnit.RATIO:
            return f"{value * 100:.3g}%"
        case BaseUnit.BYTES:
            size, name = max((entry for entry in _SIZES if entry[0] <= abs(value)), default=_SIZES[0])
            return f"{value / size:.3g} {name}"
        case BaseUnit.SECONDS if abs(value) >= 60 and abs(value) != float("inf"):
            return f"{'-' if value < 0 else ''}{_duration_parts(round(abs(value)))}"
        case BaseUnit.SECONDS:
            return f"{value:.3g}s"
        case BaseUnit.COUNT:
            return f"{value:.6g}"


_SIZES = tuple((UNITS[name][1], name) for name in ("B", "kB", "MB", "GB", "TB"))


def _duration_parts(seconds: int) -> str:
    """The two largest parts of a duration."""
    parts: list[str] = []
    for size, letter in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{letter}")
    return " ".join(parts[:2])

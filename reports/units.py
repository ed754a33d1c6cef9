"""Formats numbers with Grafana's units."""

import math
from dataclasses import dataclass

from dashboards.style import CURRENCY_SYMBOLS

Scale = tuple[tuple[float, str], ...]
"""(factor, suffix), smallest first."""

COUNT: Scale = ((1, ""), (1e3, " K"), (1e6, " M"), (1e9, " B"), (1e12, " T"))
BYTES: Scale = tuple((1024**power, f" {name}") for power, name in enumerate(("B", "KiB", "MiB", "GiB", "TiB", "PiB")))
RATE: Scale = tuple((1000**power, f" {name}/s") for power, name in enumerate(("B", "kB", "MB", "GB", "TB")))
TIME: Scale = ((1e-6, " µs"), (1e-3, " ms"), (1, " s"), (60, " min"), (3600, " h"), (86400, " d"), (604800, " weeks"))
SCALES = {"bytes": BYTES, "Bps": RATE, "s": TIME, "short": COUNT, "count:/s": COUNT, "count:/min": COUNT}
SUFFIXES = {"count:/s": " /s", "count:/min": " /min"}
AGO = "dateTimeFromNow"
CURRENCY = "currency"
CENT = 0.01
MISSING = "\N{EN DASH}"
"""Text for NaN and for a missing number."""
SPANS: tuple[tuple[float, str], ...] = (
    (1, "second"),
    (60, "minute"),
    (3600, "hour"),
    (86400, "day"),
    (2592000, "month"),
    (31536000, "year"),
)


def text_of(value: float, unit: str, now: float, decimals: int | None = None) -> str:
    """A number with its unit; `MISSING` for NaN, `+Inf` or `-Inf` for an infinite number, as Prometheus writes them.

    Args:
        value: the number; milliseconds since 1970 for `dateTimeFromNow`.
        unit: Grafana's name; unknown units are omitted.
        now: Unix seconds.
        decimals: maximum number of decimals; None for three significant digits.
    """
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if unit == AGO:
        return ago(now - value / 1000)
    return NumberFormat.of(unit, decimals).text(value)


@dataclass(frozen=True)
class NumberFormat:
    """How `text_of` formats a unit, as data for the page's script, which formats numbers alike.

    Attributes:
        scale: (factor, suffix), smallest first.
        prefix: before the number.
        suffix: after the number and the suffix of its scale.
        decimals: maximum number of decimals of unscaled numbers; None for three significant digits.
        times: multiplies the number first.
        least: numbers below it have five decimals; 0 for none.
    """

    scale: Scale = ((1, ""),)
    prefix: str = ""
    suffix: str = ""
    decimals: int | None = None
    times: float = 1
    least: float = 0

    @classmethod
    def of(cls, unit: str, decimals: int | None = None) -> "NumberFormat":
        """The format of a unit, by Grafana's name; a relative time has none."""
        if unit == "percentunit":
            return cls(suffix="%", decimals=decimals, times=100)
        if unit.startswith(CURRENCY):
            code = unit.removeprefix(CURRENCY)
            return cls(COUNT, prefix=CURRENCY_SYMBOLS.get(code, code.removeprefix(":")), least=CENT)
        return cls(SCALES.get(unit, ((1, ""),)), suffix=SUFFIXES.get(unit, ""), decimals=decimals)

    def text(self, value: float) -> str:
        """A finite number with its unit."""
        size = abs(value * self.times)
        factor, name = _scaled(size, self.scale)
        if 0 < size < self.least:
            digits = f"{value:.5f}".rstrip("0").rstrip(".")
        else:
            digits = _digits(value * self.times / factor, self.decimals if factor == 1 else None)
        return f"{self.prefix}{digits}{name}{self.suffix}"


def ago(seconds: float) -> str:
    """A relative time such as `3 minutes ago`, or `in 2 hours` for the future."""
    distance = abs(seconds)
    if distance < 1:
        return "just now"
    factor, name = _scaled(distance, SPANS)
    count = int(distance // factor)
    span = f"{count} {name}{'s' if count > 1 else ''}"
    return f"{span} ago" if seconds > 0 else f"in {span}"


def _scaled(value: float, scale: Scale) -> tuple[float, str]:
    """The largest factor that is not above the value; that of the base unit for 0."""
    base = next(step for step in scale if step[0] >= 1)
    return max((step for step in scale if step[0] <= value), default=scale[0]) if value else base


def _digits(value: float, decimals: int | None) -> str:
    size = abs(value)
    places = 0 if size >= 100 else 1 if size >= 10 else 2
    text = f"{value:.{places if decimals is None else min(places, decimals)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

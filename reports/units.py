"""Formats numbers with Grafana's units, digit for digit as `@grafana/data` does; relative times in words of our own."""

import math
from dataclasses import dataclass
from decimal import Decimal

from dashboards.style import CURRENCY_SYMBOLS

Scale = tuple[tuple[float, float, float, str], ...]
"""(least number, factor, divisor, suffix), smallest first; `(s)` at the end of a suffix is for numbers above 1."""


def _powers(base: float, names: tuple[str, ...], lowest: int = 0) -> Scale:
    powers = (float(base) ** power for power in range(lowest, lowest + len(names)))
    return tuple((power, 1, power, name) for power, name in zip(powers, names, strict=True))


COUNT = _powers(1000, ("", " K", " Mil", " Bil", " Tri"))
AMOUNT = _powers(1000, ("", "K", "M", "B", "T"))
BYTES = _powers(1024, (" B", " KiB", " MiB", " GiB", " TiB", " PiB"))
RATE = _powers(1000, (" nB/s", " µB/s", " mB/s", " B/s", " kB/s", " MB/s", " GB/s", " TB/s"), -3)
TIME: Scale = (
    (0, 1e9, 1, " ns"),
    (1e-6, 1e6, 1, " µs"),
    (1e-3, 1e3, 1, " ms"),
    (1, 1, 1, " s"),
    (60, 1, 60, " min(s)"),
    (3600, 1, 3600, " hour(s)"),
    (86400, 1, 86400, " day(s)"),
    (604800, 1, 604800, " week(s)"),
    (31_536_000, 1, 31_556_900, " year(s)"),
)
UNSCALED: Scale = ((1, 1, 1, ""),)
SCALES = {"bytes": BYTES, "Bps": RATE, "s": TIME, "short": COUNT}
AGO = "dateTimeFromNow"
CURRENCY, COUNTED = "currency", "count:"
ROUND = 2.25
"""Numbers with leading digits above it have a decimal more."""
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


def text_of(value: float, unit: str, now: float, decimals: int | None = None, *, trimmed: bool = False) -> str:
    """A number with its unit; `MISSING` for NaN, `+Inf` or `-Inf` for an infinite number, as Prometheus writes them.

    Args:
        value: the number; milliseconds since 1970 for `dateTimeFromNow`.
        unit: Grafana's name; unknown units are omitted.
        now: Unix seconds.
        decimals: number of decimals; None for three significant digits.
        trimmed: without zeros at the end of decimals, as on an axis.
    """
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if unit == AGO:
        return ago(now - value / 1000)
    return NumberFormat.of(unit, decimals).text(value, trimmed=trimmed)


@dataclass(frozen=True)
class NumberFormat:
    """How `text_of` formats a unit, as data for the page's script, which formats numbers alike.

    Attributes:
        scale: units for numbers of each size.
        prefix: before the number.
        suffix: after the number and the suffix of its scale.
        decimals: number of decimals; None for three significant digits.
        times: multiplies the number first.
    """

    scale: Scale = UNSCALED
    prefix: str = ""
    suffix: str = ""
    decimals: int | None = None
    times: float = 1

    @classmethod
    def of(cls, unit: str, decimals: int | None = None) -> "NumberFormat":
        """The format of a unit, by Grafana's name; a relative time has none."""
        if unit == "percentunit":
            return cls(suffix="%", decimals=decimals, times=100)
        if unit.startswith(CURRENCY):
            code = unit.removeprefix(CURRENCY)
            return cls(AMOUNT, prefix=CURRENCY_SYMBOLS.get(code, code.removeprefix(":")), decimals=decimals)
        if unit.startswith(COUNTED):
            return cls(AMOUNT, suffix=f" {unit.removeprefix(COUNTED)}", decimals=decimals)
        return cls(SCALES.get(unit, UNSCALED), decimals=decimals)

    def text(self, value: float, *, trimmed: bool = False) -> str:
        """A finite number with its unit."""
        number = value * self.times
        sign = "-" if number < 0 and self.prefix else ""
        number = abs(number) if sign else number
        factor, divisor, name = self._unit_for(abs(number))
        scaled = number * factor / divisor
        digits = _digits(scaled, self.decimals)
        if trimmed and "." in digits:
            digits = digits.rstrip("0").rstrip(".")
        plural = "s" if abs(scaled) > 1 else ""
        return f"{sign}{self.prefix}{digits}{name.replace('(s)', plural)}{self.suffix}"

    def _unit_for(self, size: float) -> tuple[float, float, str]:
        fitting = [step for step in self.scale if (step[0] <= size if size else step[1] == step[2] == 1)]
        _, factor, divisor, name = fitting[-1] if fitting else self.scale[0]
        return factor, divisor, name


def ago(seconds: float) -> str:
    """A relative time such as `3 minutes ago`, or `in 2 hours` for the future."""
    distance = abs(seconds)
    if distance < 1:
        return "just now"
    factor, name = _scaled(distance, SPANS)
    count = int(distance // factor)
    span = f"{count} {name}{'s' if count > 1 else ''}"
    return f"{span} ago" if seconds > 0 else f"in {span}"


def _scaled(value: float, scale: tuple[tuple[float, str], ...]) -> tuple[float, str]:
    """The largest factor that is not above the value."""
    return max((step for step in scale if step[0] <= value), default=scale[0])


def _digits(value: float, decimals: int | None) -> str:
    places = _decimals_for(value) if decimals is None else decimals
    if value == 0:
        return f"{0:.{places}f}"
    factor = 10.0**places
    rounded = math.floor(value * factor + 0.5) / factor  # as JavaScript rounds, halves up
    if 0 < abs(rounded) < 1e-6:  # JavaScript writes these with an exponent, and Grafana leaves them so
        mantissa, _, exponent = f"{rounded!r}".partition("e")
        return f"{mantissa}e{int(exponent)}"
    text = f"{Decimal(repr(rounded)):f}"
    whole, _, fraction = text.removesuffix(".0").partition(".")
    return f"{whole}.{fraction.ljust(places, '0')}" if places or fraction else whole


def _decimals_for(value: float) -> int:
    """So many that three significant digits are shown, or two after a 1; none for whole numbers."""
    if value == int(value):
        return 0
    magnitude = math.floor(math.log(abs(value)) / math.log(10))
    leading = abs(value) / 10.0 ** (magnitude - 1)
    return max(0, 1 - magnitude + (leading > ROUND))

"""Formats values for HTML and paper; workbooks contain the numbers themselves."""

import math
from collections.abc import Sequence

from nervesys.contract.times import utc
from reports.periodic.model import Better, Figure, Tone, Value, ValueKind
from reports.units import MISSING, text_of

TIMES = "\N{MULTIPLICATION SIGN}"
SPANS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
FEW = 100
"""Counts below this show their change as a number, others in percent."""
SIGNS = {True: "▲", False: "▼"}


def format_value(value: Value, kind: ValueKind, currency: str = "") -> str:
    """Format a value.

    Args:
        value: see `Value`.
        kind: its kind.
        currency: prefix of amounts.
    """
    if value is None or isinstance(value, str):
        return value or MISSING
    if not math.isfinite(value):
        return text_of(value, "none", 0, trimmed=True)
    match kind:
        case ValueKind.INSTANT:
            return utc(value).strftime("%d %b, %H:%M")
        case ValueKind.SHARE:
            return share(value)
        case ValueKind.MONEY:
            return f"{currency} {value:,.2f}"
        case ValueKind.SECONDS:
            return duration(value)
        case ValueKind.BYTES:
            return text_of(value, "bytes", 0, trimmed=True)
        case _:
            return f"{value:,.0f}"


def duration(seconds: float) -> str:
    """A duration in its two largest units, such as `2 h 10 min`."""
    left, parts = round(seconds), []
    for length, unit in SPANS:
        count, left = divmod(left, length)
        parts.append((count, unit))
    first = next((place for place, (count, _) in enumerate(parts) if count), len(parts) - 1)
    texts = [f"{count} {unit}" for count, unit in parts[first : first + 2] if count]
    return " ".join(texts) or "0 s"


def share(value: float) -> str:
    """A share in percent; 100 % only if it is exactly 1."""
    percent = min(value * 100, 99.99) if value < 1 else value * 100
    return f"{percent:.2f}".rstrip("0").rstrip(".") + " %"


def hour_label(begin: float) -> str:
    """An hour for people, such as `Tue 10 Mar, 02:00 to 03:00`."""
    start = utc(begin)
    return f"{start:%a} {start.day} {start:%b, %H:%M} to {utc(begin + 3600):%H:%M}"


def join_names(names: Sequence[str], most: int) -> str:
    """Some names, and how many more there are."""
    more = len(names) - most
    return ", ".join([*names[:most], *([f"and {more} more"] if more > 0 else [])])


def shorten(text: str, letters: int) -> str:
    """A text of at most so many letters, in one line."""
    line = " ".join(text.split())
    return line if len(line) <= letters else f"{line[: letters - 1].rstrip()}…"


def trend(figure: Figure) -> tuple[str, Tone]:
    """The change of a figure against the previous period, and whether it is good."""
    if figure.value is None or figure.before is None:
        return "", Tone.PLAIN
    change = figure.value - figure.before
    if not math.isfinite(change):
        return "", Tone.PLAIN
    if not change:
        return "unchanged", Tone.PLAIN
    good = {Better.MORE: change > 0, Better.LESS: change < 0}.get(figure.better)
    tone = {True: Tone.GOOD, False: Tone.BAD, None: Tone.PLAIN}[good]
    return f"{SIGNS[change > 0]} {_distance(figure, change)}", tone


def _distance(figure: Figure, change: float) -> str:
    """The change: of shares in percentage points, of small counts as a number, of others in percent."""
    assert figure.before is not None, "the caller looked"
    if figure.kind is ValueKind.SHARE:
        return f"{abs(change) * 100:.2f}".rstrip("0").rstrip(".") + " points"
    if figure.kind is ValueKind.COUNT and max(abs(change), figure.before) < FEW:
        return f"{abs(change):.0f}"
    if not figure.before:
        return "from 0"
    percent = abs(change) / abs(figure.before) * 100
    return f"{percent:,.0f} %" if percent >= 1 else "under 1 %"

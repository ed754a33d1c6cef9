"""Values in words: the one form that paper and pages share; a workbook holds the numbers themselves."""

from nervesys.contract.times import utc
from reports.periodic.model import Better, Figure, Kind, Tone, Value
from reports.units import text_of

UNKNOWN = "\N{EN DASH}"
TIMES = "\N{MULTIPLICATION SIGN}"
SPANS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
FEW = 100
"""Things of which one more is worth telling."""
SIGNS = {True: "▲", False: "▼"}


def said(value: Value, kind: Kind, currency: str = "") -> str:
    """A value as people read it.

    Args:
        value: see `Value`.
        kind: what it is.
        currency: written before money.
    """
    if value is None or isinstance(value, str):
        return value or UNKNOWN
    match kind:
        case Kind.INSTANT:
            return utc(value).strftime("%d %b, %H:%M")
        case Kind.SHARE:
            return share(value)
        case Kind.MONEY:
            return f"{currency} {value:,.2f}"
        case Kind.SECONDS:
            return duration(value)
        case Kind.BYTES:
            return text_of(value, "bytes", 0)
        case _:
            return f"{value:,.0f}"


def duration(seconds: float) -> str:
    """A length of time in its two largest units, such as `2 h 10 min`."""
    left, parts = round(seconds), []
    for length, unit in SPANS:
        count, left = divmod(left, length)
        parts.append((count, unit))
    first = next((place for place, (count, _) in enumerate(parts) if count), len(parts) - 1)
    told = [f"{count} {unit}" for count, unit in parts[first : first + 2] if count]
    return " ".join(told) or "0 s"


def share(value: float) -> str:
    """A share in percent, which is 100 only where nothing at all is missing."""
    percent = min(value * 100, 99.99) if value < 1 else value * 100
    return f"{percent:.2f}".rstrip("0").rstrip(".") + " %"


def trend(figure: Figure) -> tuple[str, Tone]:
    """How a figure changed against the period before, in words, and whether that is good."""
    if figure.value is None or figure.before is None:
        return "", Tone.PLAIN
    change = figure.value - figure.before
    if not change:
        return "as before", Tone.PLAIN
    good = {Better.MORE: change > 0, Better.LESS: change < 0}.get(figure.better)
    tone = {True: Tone.GOOD, False: Tone.BAD, None: Tone.PLAIN}[good]
    return f"{SIGNS[change > 0]} {_distance(figure, change)}", tone


def _distance(figure: Figure, change: float) -> str:
    """Of shares in points, of few things in things; of all else in percent, where there was something before."""
    assert figure.before is not None, "the caller looked"
    if figure.kind is Kind.SHARE:
        return f"{abs(change) * 100:.2f}".rstrip("0").rstrip(".") + " points"
    if figure.kind is Kind.COUNT and max(abs(change), figure.before) < FEW:
        return f"{abs(change):.0f}"
    if not figure.before:
        return "from nothing"
    percent = abs(change) / abs(figure.before) * 100
    return f"{percent:,.0f} %" if percent >= 1 else "under 1 %"

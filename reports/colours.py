"""The names of colours in dashboards, and the colours of series."""

import zlib
from collections.abc import Iterable

from nervesys.look.colours import SERIES

ALIASES = {"#808080": "grey"}
"""Colours that dashboards write as hex values."""


def colour_name(colour: str) -> str:
    """The name of a dashboard's colour."""
    return ALIASES.get(colour, colour)


def series_colours(names: Iterable[str]) -> dict[str, str]:
    """A colour for each series, derived from its name: the same on every page, and distinct if possible."""
    chosen: dict[str, str] = {}
    free = set(range(len(SERIES)))
    for name in sorted(set(names)):
        free = free or set(range(len(SERIES)))
        start = zlib.crc32(name.encode())
        number = next(place for step in range(len(SERIES)) if (place := (start + step) % len(SERIES)) in free)
        free.discard(number)
        chosen[name] = f"series-{number}"
    return chosen

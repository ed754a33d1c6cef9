"""Colours by name, each with a shade for the light and one for the dark theme."""

import zlib
from collections.abc import Iterable
from enum import StrEnum


class Theme(StrEnum):
    """Theme."""

    LIGHT = "light"
    DARK = "dark"


SURFACES = {
    "page": ("#f4f5f5", "#111217"),
    "panel": ("#ffffff", "#181b1f"),
    "border": ("#dcdfe4", "#2a2d34"),
    "grid": ("#e7e9ed", "#272a31"),
    "text": ("#24292e", "#d5d6da"),
    "faint": ("#646a73", "#9198a1"),
    "link": ("#1f62c4", "#6e9fff"),
}
MEANINGS = {
    "green": ("#2a8a3e", "#73bf69"),
    "orange": ("#c9610b", "#ff9830"),
    "red": ("#d01f3d", "#f2495c"),
    "blue": ("#2767c9", "#5794f2"),
    "purple": ("#8442bd", "#b877d9"),
    "yellow": ("#a98600", "#fade2a"),
    "grey": ("#7b7f86", "#8e939b"),
}
SERIES = (
    ("#3f68cf", "#6e93f2"),
    ("#d99700", "#efb118"),
    ("#2f9748", "#4fbf69"),
    ("#d9553f", "#ff8473"),
    ("#8f52dc", "#b585f8"),
    ("#2d9d93", "#6cc5b0"),
    ("#d9619b", "#ff8ab7"),
    ("#8a5f41", "#c08f6c"),
    ("#4b9fd9", "#97bbf5"),
    ("#7f8c1f", "#b9c64a"),
    ("#5b6b8c", "#9fb0d3"),
    ("#b0456e", "#e07ba1"),
)
SHADES = {**SURFACES, **MEANINGS, **{f"series-{number}": shades for number, shades in enumerate(SERIES)}}
"""(light, dark) by name."""
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


def shade(name: str, theme: Theme) -> str:
    """A colour as `#rrggbb`."""
    return SHADES[name][theme is Theme.DARK]

"""What all our pages look like: colours by name, for the light and the dark theme, and the style sheet they share."""

from enum import StrEnum
from importlib.resources import files


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


def shade(name: str, theme: Theme) -> str:
    """A colour as `#rrggbb`."""
    return SHADES[name][theme is Theme.DARK]


def theme_style() -> str:
    """The colours of both themes as CSS variables, and a class for text in each colour."""
    themes = (
        f"@media(prefers-color-scheme:{theme}){{:root{{color-scheme:{theme};{_variables(theme)}}}}}\n"
        for theme in Theme
    )
    return "".join([*themes, *(f".ink-{name}{{color:var(--{name})}}\n" for name in SHADES)])


def _variables(theme: Theme) -> str:
    return f"color-scheme:{theme};" + "".join(f"--{name}:{shade(name, theme)};" for name in SHADES)


def base_style() -> str:
    """The style sheet that all live pages begin with: colours, header, navigation, forms, panels and tables."""
    return theme_style() + files("nervesys.look").joinpath("base.css").read_text()

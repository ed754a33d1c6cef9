"""The look that all pages share."""

import re

import pytest

from nervesys.look.colours import SHADES, Theme, base_style, shade, theme_style


@pytest.mark.parametrize("theme", Theme)
def test_each_theme_defines_every_colour(theme: Theme) -> None:
    defined = re.search(rf"prefers-color-scheme:{theme}\){{:root{{([^}}]*)}}", theme_style())
    assert defined
    assert dict(re.findall(r"--([a-z0-9-]+):([^;]*);", defined[1])) == {name: shade(name, theme) for name in SHADES}


def test_the_style_sheet_uses_defined_colours_only() -> None:
    assert set(re.findall(r"var\(--([a-z0-9-]+)\)", base_style())) <= SHADES.keys()

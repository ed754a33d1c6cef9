import pytest

from dashboards.style import Colour
from nervesys.look.colours import SERIES, SHADES
from reports.colours import colour_name, series_colours


@pytest.mark.parametrize("colour", Colour)
def test_every_colour_of_the_house_has_a_light_and_a_dark_shade(colour: Colour) -> None:
    assert len(set(SHADES[colour_name(colour)])) == 2


def test_a_name_keeps_its_colour_and_no_two_share_one_while_there_are_enough() -> None:
    names = [f"agent-{number}" for number in range(len(SERIES))]
    assert len(set(series_colours(names).values())) == len(names)
    assert series_colours(["grok"])["grok"] == series_colours(["grok"])["grok"]
    assert len(series_colours([*names, "one-more"])) == len(names) + 1

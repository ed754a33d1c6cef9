import pytest

from dashboards.style import Colour
from reports.colours import SERIES, SHADES, by_name, named


@pytest.mark.parametrize("colour", Colour)
def test_every_colour_of_the_house_has_a_light_and_a_dark_shade(colour: Colour) -> None:
    assert len(set(SHADES[named(colour)])) == 2


def test_a_name_keeps_its_colour_and_no_two_share_one_while_there_are_enough() -> None:
    names = [f"agent-{number}" for number in range(len(SERIES))]
    assert len(set(by_name(names).values())) == len(names)
    assert by_name(["grok"])["grok"] == by_name(["grok"])["grok"]
    assert len(by_name([*names, "one-more"])) == len(names) + 1

"""Passes stay short, whatever the parts of a pass take.

Covers: exporters.store.pass_budget.
"""

import pytest

from exporters.store.pass_budget import (
    FIRST_REST_SECONDS,
    LONGEST_TURN_SECONDS,
    PASS_SECONDS,
    SHORTEST_TURN_SECONDS,
    PassBudget,
)


@pytest.mark.parametrize(
    ("listing", "rest", "turn"),
    [
        (0.01, 0.1, LONGEST_TURN_SECONDS),
        (0.5, 0.75, PASS_SECONDS - 1.25),
        (4, 0.5, SHORTEST_TURN_SECONDS),
        (0.1, 9, SHORTEST_TURN_SECONDS),
    ],
)
def test_bodies_have_what_is_left_beside_the_listing_and_the_rest_of_the_pass_before(
    listing: float, rest: float, turn: float
) -> None:
    clock = [0.0]
    passes = PassBudget(lambda: clock[0])
    for _ in range(2):
        passes.begin()
        clock[0] += listing
        found = passes.turn_seconds()
        clock[0] += found
        passes.end_bodies()
        clock[0] += rest
        passes.end()
    assert found == pytest.approx(turn)


def test_the_first_pass_leaves_time_to_render_everything() -> None:
    passes = PassBudget(lambda: 0.0)
    passes.begin()
    assert passes.turn_seconds() == PASS_SECONDS - FIRST_REST_SECONDS

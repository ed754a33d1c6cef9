"""The blast radius, as tables: when it trips, who may act, when it is released."""

from dataclasses import replace

import pytest

from alerting.journal import ActionState, Episode
from alerting.receiver.blast_radius import Admission, BlastRadius, FleetIncident, admit_restarts
from tests.alerting.receiver.test_decide import ESCALATED, NOW, PENDING

RADIUS = BlastRadius(share=1 / 3, at_least=3, trial=2)
LATCH = replace(ESCALATED, id=99, agent="*")
TRYING = replace(PENDING, id=1, state=ActionState.SUCCEEDED)
BACK = replace(PENDING, id=1, state=ActionState.RECOVERED, closed_at=NOW)


@pytest.mark.parametrize(
    ("down", "fleet", "trips"),
    [
        pytest.param(2, 2, False, id="both of two: too few to decide"),
        pytest.param(3, 3, True, id="all of three"),
        pytest.param(3, 9, False, id="a third is not more than a third"),
        pytest.param(4, 9, True, id="more than a third"),
        pytest.param(30, 1000, False, id="many, but a small share"),
    ],
)
def test_it_trips(down: int, fleet: int, trips: bool) -> None:
    assert RADIUS.is_exceeded(down, fleet) is trips


def wanting(*ids: int, opened_at: float = NOW) -> list[Episode]:
    return [replace(PENDING, id=number, opened_at=opened_at) for number in ids]


@pytest.mark.parametrize(
    ("who", "incident", "down", "wanted"),
    [
        pytest.param(wanting(1, 2), FleetIncident(), 2, Admission(frozenset({1, 2})), id="few are down: all may act"),
        pytest.param(
            wanting(1, 2, 3),
            FleetIncident(),
            9,
            Admission(frozenset({1}), trial=1, trips=True),
            id="many: one is tried",
        ),
        pytest.param(
            wanting(2, 3), FleetIncident(LATCH, (TRYING,)), 9, Admission(frozenset()), id="one is on trial: wait"
        ),
        pytest.param(
            wanting(1, 2),
            FleetIncident(LATCH, (TRYING,)),
            9,
            Admission(frozenset({1})),
            id="the one on trial may try again",
        ),
        pytest.param(
            wanting(2, 3),
            FleetIncident(LATCH, (BACK,)),
            8,
            Admission(frozenset({2}), trial=2),
            id="it came back: the next",
        ),
        pytest.param(
            wanting(2, 3),
            FleetIncident(LATCH, (replace(TRYING, state=ActionState.ESCALATED),)),
            9,
            Admission(frozenset({2}), trial=2),
            id="it did not come back: the next, for it may have had troubles of its own",
        ),
        pytest.param(
            wanting(3),
            FleetIncident(LATCH, (BACK, replace(BACK, id=2))),
            7,
            Admission(frozenset()),
            id="all were tried",
        ),
        pytest.param(
            wanting(3, opened_at=NOW - 10),
            FleetIncident(released_at=NOW - 5),
            7,
            Admission(frozenset({3})),
            id="fell before the release: may act, though many are down",
        ),
        pytest.param(
            wanting(7),
            FleetIncident(released_at=NOW - 5),
            7,
            Admission(frozenset({7}), trial=7, trips=True),
            id="fell after the release: counts anew",
        ),
    ],
)
def test_who_may_act(who: list[Episode], incident: FleetIncident, down: int, wanted: Admission) -> None:
    assert admit_restarts(who, incident, down, 10, RADIUS) == wanted


@pytest.mark.parametrize(
    ("trials", "waiting", "released"),
    [
        pytest.param((), 3, False, id="nobody was tried yet"),
        pytest.param((BACK,), 3, False, id="one of two came back"),
        pytest.param((BACK, replace(BACK, id=2)), 3, True, id="both came back"),
        pytest.param((BACK, replace(TRYING, id=2)), 3, False, id="the second is on trial"),
        pytest.param(
            (BACK, replace(TRYING, id=2, state=ActionState.ESCALATED)), 3, False, id="the second did not come back"
        ),
        pytest.param((BACK,), 0, True, id="one came back and nobody waits"),
    ],
)
def test_it_is_released(trials: tuple[Episode, ...], waiting: int, released: bool) -> None:
    assert FleetIncident(LATCH, trials, waiting).released(RADIUS) is released

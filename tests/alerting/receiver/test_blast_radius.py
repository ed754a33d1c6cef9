"""The blast radius, as tables: when it trips, who may act, when it is released."""

from dataclasses import replace

import pytest

from alerting.journal import Episode
from alerting.receiver.blast_radius import Admission, BlastRadius, FleetIncident, admit_restarts
from tests.alerting.receiver.test_decide import ESCALATED, NOW, PENDING

RADIUS = BlastRadius(share=1 / 3, at_least=3, trial=2)
LATCH = replace(ESCALATED, id=99, agent="*")


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
            Admission(frozenset({1}), frozenset({1}), trips=True),
            id="many: one is tried",
        ),
        pytest.param(
            wanting(2, 3),
            FleetIncident(LATCH, admitted=1, trying=True),
            9,
            Admission(frozenset()),
            id="one is on trial: wait",
        ),
        pytest.param(
            [replace(PENDING, id=1, trial_of=LATCH.id), *wanting(2)],
            FleetIncident(LATCH, admitted=1, trying=True),
            9,
            Admission(frozenset({1})),
            id="the one on trial may try again",
        ),
        pytest.param(
            wanting(2, 3),
            FleetIncident(LATCH, admitted=1, proven=1),
            8,
            Admission(frozenset({2}), frozenset({2})),
            id="it recovered: the next",
        ),
        pytest.param(
            wanting(2, 3),
            FleetIncident(LATCH, admitted=1),
            9,
            Admission(frozenset({2}), frozenset({2})),
            id="it did not recover: the next, for it may have had faults of its own",
        ),
        pytest.param(
            wanting(3),
            FleetIncident(LATCH, admitted=2, proven=1),
            7,
            Admission(frozenset()),
            id="one trial is escalated",
        ),
        pytest.param(
            wanting(3, 4),
            FleetIncident(LATCH, admitted=2, idle_seconds=119),
            7,
            Admission(frozenset()),
            id="both trials are escalated: wait",
        ),
        pytest.param(
            wanting(3, 4),
            FleetIncident(LATCH, admitted=2, idle_seconds=120),
            7,
            Admission(frozenset({3}), frozenset({3})),
            id="and try another one after a pause",
        ),
        pytest.param(
            [*wanting(3, 4, 5, 6), *wanting(7, opened_at=NOW - 60)],
            FleetIncident(LATCH, admitted=2, proven=2),
            7,
            Admission(frozenset({7, 3, 4, 5}), frozenset({7, 3, 4, 5})),
            id="both recovered: a wave of four, the longest waiting first",
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
            Admission(frozenset({7}), frozenset({7}), trips=True),
            id="fell after the release: counts anew",
        ),
    ],
)
def test_who_may_act(who: list[Episode], incident: FleetIncident, down: int, wanted: Admission) -> None:
    assert admit_restarts(who, incident, down, 10, RADIUS) == wanted


def test_waves_double_while_proof_arrives() -> None:
    waves, admitted = [], RADIUS.trial
    while admitted < 6000:
        waves.append(FleetIncident(LATCH, admitted=admitted, proven=admitted).room(RADIUS))
        admitted += waves[-1]
    assert waves == [2 ** (number + 2) for number in range(len(waves))]
    assert len(waves) == 11
    assert FleetIncident(LATCH, admitted=6, proven=3, trying=True).room(RADIUS) == 2, "no wave waits for its slowest"
    assert FleetIncident(LATCH, admitted=6, proven=2).room(RADIUS) == 0, "without proof none follows"


HEARTBEAT, CHECKS, CALL = 60.0, 15.0, 2.0
"""Seconds: the shipped interval, two looks, and a driver call."""


@pytest.mark.parametrize("failed_before", [0, 5])
def test_six_thousand_are_released_within_twenty_minutes(failed_before: int) -> None:
    """By the shipped limits; proof is the second heartbeat of an agent that was started, seen at the next look."""
    waiting = wanting(*range(6000 - failed_before), opened_at=NOW - 600)
    given_up = [
        replace(ESCALATED, id=6000 + number, trial_of=LATCH.id, attempt_at=NOW - 60, opened_at=NOW - 600)
        for number in range(failed_before)
    ]
    called: dict[int, float] = {}
    proven_at: dict[int, float] = {}
    now, first_proven = NOW, None
    while len(proven_at) < 6000 and now < NOW + 1800:
        now += CHECKS
        seen = [at for at in called if called[at] + CALL + HEARTBEAT <= now]
        proven_at |= {number: now for number in seen if number not in proven_at}
        first_proven = min((called[number] for number in proven_at), default=None)
        in_flight = len(called) - len(proven_at)
        incident = FleetIncident(
            LATCH,
            admitted=len(called) + (failed_before if first_proven is None else 0),
            proven=len(proven_at),
            trying=bool(in_flight),
            first_proven=first_proven,
            idle_seconds=now - max([NOW - 60.0, *called.values()]) if failed_before else 0,
        )
        candidates = [episode for episode in (*given_up, *waiting) if episode.id not in called]
        if first_proven is None:
            candidates = [episode for episode in candidates if episode not in given_up]
        admission = admit_restarts(candidates, incident, 6000, 10_000, RADIUS)
        assert not admission.allowed & called.keys(), "nobody is called twice"
        called |= dict.fromkeys(admission.allowed, now)
    assert len(called) == len(proven_at) == 6000
    assert max(called.values()) + CALL - NOW < 20 * 60


@pytest.mark.parametrize(
    ("incident", "over"),
    [
        pytest.param(FleetIncident(LATCH, waiting=3), False, id="nobody was tried yet"),
        pytest.param(FleetIncident(LATCH, 2, 2, waiting=3), False, id="both recovered, and some wait"),
        pytest.param(FleetIncident(LATCH, 6, 5, trying=True), False, id="nobody waits, and one is on trial"),
        pytest.param(FleetIncident(LATCH, 6, 5), True, id="all have ended, or are escalated"),
        pytest.param(FleetIncident(LATCH, 2, 0), False, id="no restart has helped"),
    ],
)
def test_it_is_over(incident: FleetIncident, over: bool) -> None:
    assert incident.over is over

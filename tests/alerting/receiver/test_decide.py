"""Each rule of deciding, as a table of observations and decisions.

Covers: alerting.receiver.decision_input, alerting.receiver.attempt_limits.
"""

import math
from dataclasses import replace
from typing import Any

import pytest

from alerting.journal import ActionState, Episode
from alerting.receiver.attempt_limits import back_off
from alerting.receiver.decide import decide, reopened
from alerting.receiver.decision_input import AgentObservation, Case, Eligibility, Policy
from nervesys.contract import AgentState, Instances, Status

NOW = 10_000.0
POLICY = Policy(
    grace=180, down=300, check_interval=15, settle=15, proof=180, cooldown=60, window=3600, flap_window=21600, flaps=5
)
PENDING = Episode(
    id=1,
    action="restart_agent",
    agent="grok",
    test=False,
    alert="AgentDown",
    state=ActionState.PENDING,
    verdict="received",
    detail="",
    opened_at=NOW - 60,
    updated_at=NOW - 60,
    closed_at=None,
    due_at=NOW,
    attempts=0,
    driver_errors=0,
    attempt_at=None,
    baseline="",
    sign="",
    waited=0,
    looked_at=NOW - 15,
    trial_of=None,
    lease_owner=None,
    lease_until=None,
    driver="",
    server="",
)
CALLED = replace(PENDING, state=ActionState.SUCCEEDED, attempts=1, attempt_at=NOW - 60, baseline="one", waited=30)
ESCALATED = replace(PENDING, state=ActionState.ESCALATED, baseline="one")


def sight(
    age: float = 400, instance: str = "one", status: str = "running", version: str = "v1", **fields: Any
) -> AgentObservation:
    state = AgentState(agent_id="grok", instance_id=instance, status=Status(status), timestamp=0, server="alpha")
    return AgentObservation(**{"age": age, "version": version, "state": state, **fields})


SILENT = sight()
BLIND = AgentObservation(blind="the store cannot be read")


@pytest.mark.parametrize(
    ("episode", "seen", "verdict", "state"),
    [
        pytest.param(PENDING, SILENT, "act", "running", id="silent for long: act"),
        pytest.param(PENDING, AgentObservation(), "act", "running", id="never seen: act"),
        pytest.param(PENDING, sight(age=180), "fresh", "skipped", id="spoke just within grace: nothing to do"),
        pytest.param(PENDING, sight(age=181), "act", "running", id="spoke just beyond grace: act"),
        pytest.param(PENDING, sight(status="stopped"), "stopped", "skipped", id="stopped on purpose: leave it"),
        pytest.param(PENDING, sight(status="stopping"), "act", "running", id="stopping without end: act"),
        pytest.param(
            PENDING, sight(age=1, status="stopping"), "stopping", "deferred", id="stopping, and beats on: give it time"
        ),
        pytest.param(
            replace(PENDING, opened_at=NOW - 180),
            sight(age=1, status="stopping"),
            "act",
            "running",
            id="stopping without end, though it beats on: act",
        ),
        pytest.param(
            CALLED, sight(age=1, status="stopping"), "waiting", "succeeded", id="stopping because we asked it to: wait"
        ),
        pytest.param(PENDING, BLIND, "blind", "deferred", id="blind before an attempt: wait"),
        pytest.param(CALLED, BLIND, "blind", "succeeded", id="blind after an attempt: stay and wait"),
        pytest.param(ESCALATED, BLIND, "blind", "escalated", id="blind when escalated: stay"),
        pytest.param(replace(PENDING, opened_at=NOW - 14), SILENT, "settling", "deferred", id="new: see who else fell"),
        pytest.param(CALLED, SILENT, "waiting", "succeeded", id="called a moment ago: wait for proof"),
        pytest.param(
            replace(CALLED, state=ActionState.RUNNING),
            SILENT,
            "waiting",
            "running",
            id="call cut short by a crash: wait",
        ),
        pytest.param(replace(CALLED, waited=165), SILENT, "no_proof", "pending", id="time is up: try again"),
        pytest.param(
            CALLED, sight(age=1), "waiting", "succeeded", id="last write of the dying process: neither proof nor fresh"
        ),
        pytest.param(CALLED, sight(age=1, instance="two"), "first_sign", "succeeded", id="a new instance spoke once"),
        pytest.param(
            replace(CALLED, sign="two v1"),
            sight(age=9, instance="two"),
            "first_sign",
            "succeeded",
            id="the same heartbeat seen twice is one heartbeat",
        ),
        pytest.param(
            replace(CALLED, sign="two v1"),
            sight(age=1, instance="two", version="v2"),
            "proven",
            "recovered",
            id="a new instance at two heartbeats: proven",
        ),
        pytest.param(
            replace(CALLED, sign="two v1"),
            sight(age=1, instance="two", version="v2", status="idle"),
            "proven",
            "recovered",
            id="idle is active too",
        ),
        pytest.param(
            replace(CALLED, sign="two v1"),
            sight(age=1, instance="three", version="v2"),
            "first_sign",
            "succeeded",
            id="two instances with one heartbeat each prove nothing",
        ),
        pytest.param(
            CALLED,
            sight(age=1, instance="two", status="starting"),
            "starting",
            "succeeded",
            id="starting: wait",
        ),
        pytest.param(
            replace(CALLED, waited=999),
            sight(age=1, instance="two", status="degraded"),
            "not_working",
            "escalated",
            id="a new instance that does not get to work: ask people, do not restart it",
        ),
        pytest.param(
            replace(CALLED, waited=999), sight(age=1), "fresh", "skipped", id="the old instance came back to its senses"
        ),
        pytest.param(
            CALLED, sight(status="stopped"), "waiting", "succeeded", id="stopped by our own driver is not on purpose"
        ),
        pytest.param(
            CALLED, sight(status="stopped", instance="two"), "stopped", "skipped", id="the new instance was stopped"
        ),
        pytest.param(ESCALATED, SILENT, "waiting", "escalated", id="escalated: no more restarts"),
        pytest.param(ESCALATED, sight(age=1), "waiting", "escalated", id="escalated: the old instance is no proof"),
        pytest.param(
            replace(ESCALATED, sign="two v0"),
            sight(age=1, instance="two"),
            "proven",
            "recovered",
            id="escalated: proof closes it",
        ),
        pytest.param(replace(PENDING, test=True), SILENT, "observed", "skipped", id="a test: observe only"),
        pytest.param(replace(PENDING, test=True), BLIND, "blind", "deferred", id="a test while blind: wait"),
    ],
)
def test_what_is_seen_decides(episode: Episode, seen: AgentObservation, verdict: str, state: str) -> None:
    decision = decide(Case(episode, seen, Eligibility(), (), POLICY, NOW))
    assert (decision.verdict, decision.state) == (verdict, state)


@pytest.mark.parametrize(
    ("standing", "verdict", "state"),
    [
        pytest.param(Eligibility(configured=False), "unknown_agent", "rejected", id="no longer in the brain"),
        pytest.param(Eligibility(may_restart=False), "restart_disabled", "rejected", id="its file forbids it"),
        pytest.param(Eligibility(maintenance="x"), "maintenance", "deferred", id="maintenance: wait"),
        pytest.param(
            Eligibility(maintenance="x", unreachable="x"), "maintenance", "deferred", id="maintenance bothers nobody"
        ),
        pytest.param(Eligibility(unreachable="x"), "unreachable_server", "escalated", id="no driver reaches it"),
        pytest.param(Eligibility(max_attempts=0), "attempts_exhausted", "escalated", id="no attempts allowed"),
    ],
)
def test_what_is_configured_decides(standing: Eligibility, verdict: str, state: str) -> None:
    decision = decide(Case(PENDING, SILENT, standing, (), POLICY, NOW))
    assert (decision.verdict, decision.state) == (verdict, state)


@pytest.mark.parametrize(
    ("attempts", "errors", "verdict", "due_in"),
    [
        pytest.param((), 0, "act", None, id="the first attempt"),
        pytest.param((59,), 0, "cooling_down", 1, id="another a minute ago"),
        pytest.param((60,), 0, "act", None, id="another longer ago"),
        pytest.param((3500, 2000), 0, "act", None, id="two in the hour"),
        pytest.param((3500, 2000, 100), 0, "attempts_exhausted", 15, id="three in the hour"),
        pytest.param((3601, 2000, 100), 0, "act", None, id="the first of three has left the window"),
        pytest.param((4,), 1, "backing_off", 1, id="a driver error: 5 s"),
        pytest.param((5,), 1, "act", None, id="5 s later"),
        pytest.param((9, 9), 2, "backing_off", 1, id="two driver errors: 10 s"),
    ],
)
def test_attempts_decide(attempts: tuple[float, ...], errors: int, verdict: str, due_in: float | None) -> None:
    episode = replace(PENDING, driver_errors=errors)
    begun = tuple(NOW - ago for ago in attempts)
    decision = decide(Case(episode, SILENT, Eligibility(), begun, POLICY, NOW))
    assert decision.verdict == verdict
    assert decision.due_at == (None if due_in is None else NOW + due_in)


@pytest.mark.parametrize(
    ("recoveries", "verdict"), [pytest.param(4, "act", id="may yet help"), pytest.param(5, "flapping", id="no cure")]
)
def test_recoveries_that_do_not_last_decide(recoveries: int, verdict: str) -> None:
    assert decide(Case(PENDING, SILENT, Eligibility(), (), POLICY, NOW, recoveries)).verdict == verdict


@pytest.mark.parametrize(
    ("episode", "seen", "verdict"),
    [
        pytest.param(PENDING, SILENT, "observed", id="it would act"),
        pytest.param(PENDING, sight(age=1), "fresh", id="there is nothing to do"),
        pytest.param(PENDING, BLIND, "blind", id="it cannot decide yet"),
        pytest.param(CALLED, SILENT, "waiting", id="what was begun before may prove itself"),
        pytest.param(
            replace(CALLED, state=ActionState.PENDING, waited=999), SILENT, "observed", id="but is not tried again"
        ),
        pytest.param(ESCALATED, SILENT, "waiting", id="people stay asked"),
    ],
)
def test_while_it_observes(episode: Episode, seen: AgentObservation, verdict: str) -> None:
    assert decide(Case(episode, seen, Eligibility(), (), replace(POLICY, observe=True), NOW)).verdict == verdict


@pytest.mark.parametrize(
    ("looked_at", "seen", "waited"),
    [
        pytest.param(NOW - 15, SILENT, 45, id="time that was watched counts"),
        pytest.param(NOW - 15, BLIND, 30, id="blind time does not"),
        pytest.param(NOW - 3600, SILENT, 60, id="of an hour away from the window only two looks count"),
        pytest.param(NOW + 3600, SILENT, 30, id="a clock that was set back takes nothing away"),
    ],
)
def test_the_recovery_clock(looked_at: float, seen: AgentObservation, waited: float) -> None:
    case = Case(replace(CALLED, looked_at=looked_at), seen, Eligibility(), (), POLICY, NOW)
    assert (case.waited, decide(case).fields["looked_at"]) == (waited, NOW)


@pytest.mark.parametrize(
    ("episode", "seen", "returned_ago", "verdict"),
    [
        pytest.param(PENDING, SILENT, 300, "duplicate_agent", id="silent now, but two were about: no restart"),
        pytest.param(PENDING, SILENT, 301, "act", id="it was long ago, and one is left: act"),
        pytest.param(PENDING, sight(age=1), 10, "duplicate_agent", id="well, but not alone: people should know"),
        pytest.param(PENDING, BLIND, 10, "blind", id="what is not seen is not reported"),
        pytest.param(
            replace(CALLED, sign="two v1"),
            sight(age=1, instance="two", version="v3"),
            10,
            "duplicate_agent",
            id="a new instance beside the old one is no proof",
        ),
        pytest.param(
            replace(ESCALATED, baseline="", sign="one v1"),
            sight(age=1, instance="one", version="v2"),
            301,
            "proven",
            id="one of them alone active, whichever it is: proven",
        ),
        pytest.param(replace(PENDING, verdict="ordered"), SILENT, 10, "act", id="people know what they order"),
    ],
)
def test_two_instances_decide(episode: Episode, seen: AgentObservation, returned_ago: float, verdict: str) -> None:
    both = Instances(("two", "one"), 1, NOW - returned_ago)
    assert decide(Case(episode, seen, Eligibility(), (), POLICY, NOW, instances=both)).verdict == verdict


def test_an_instance_that_came_before_people_were_asked_may_still_prove_itself() -> None:
    tried = replace(CALLED, state=ActionState.PENDING, waited=999)
    asked = decide(Case(tried, sight(instance="two"), Eligibility(max_attempts=0), (), POLICY, NOW))
    assert (asked.verdict, asked.fields["baseline"]) == ("attempts_exhausted", "one")


def test_back_off_grows_and_stays() -> None:
    assert [back_off(errors) for errors in (1, 2, 3, 4)] == [5, 10, 20, 20]


def test_an_ended_episode_begins_anew_without_its_past() -> None:
    again = reopened(replace(CALLED, state=ActionState.RECOVERED, closed_at=NOW - 100), NOW)
    assert (again.state, again.attempt_at, again.opened_at, again.open) == (ActionState.PENDING, None, NOW, False)
    assert math.isinf(AgentObservation().age)

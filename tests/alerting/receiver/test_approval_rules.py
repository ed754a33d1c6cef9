"""Actions that wait until a person approves them.

Covers: alerting.journal.approvals, alerting.receiver.approval_desk.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from alerting.journal.approvals import Answer
from alerting.receiver.approval_desk import ApprovalOver, NoSilence
from tests.alerting.receiver.asking import SLACK, Asking, asking
from tests.alerting.receiver.simulation import agent_down
from tests.servers.chats import Chats

WAITING = {"grok": "waiting_for_approval"}


@pytest.fixture
def world(tmp_path: Path) -> Asking:
    return asking(tmp_path, Chats(url="http://127.0.0.1:1"), {"slack": SLACK}, approval_seconds=120)


def test_nothing_is_called_until_a_person_approves_also_after_a_restart_of_the_receiver(world: Asking) -> None:
    world.falls()
    assert (world.sim.states(), world.sim.driver.calls) == (WAITING, [])
    world.sim.start()
    world.sim.passes(60)
    assert (world.sim.states(), world.sim.driver.calls) == (WAITING, [])
    assert world.answer(Answer.APPROVE) == "approved by grace"
    world.sim.passes(60)
    assert (world.sim.states(), world.sim.driver.calls) == ({"grok": "recovered"}, ["grok"])
    story = world.sim.story()
    assert story.index("waiting_for_approval") < story.index("approved") < story.index("act") < story.index("proven")
    assert (world.question().outcome, world.question().ended_by) == ("approve", "grace")


@pytest.mark.parametrize("choice", [Answer.REFUSE, Answer.SILENCE])
def test_what_was_refused_or_silenced_is_not_done_for_this_firing_but_asked_for_at_the_next(
    choice: Answer, world: Asking
) -> None:
    world.falls()
    world.answer(choice, seconds=4 * 3600)
    for _ in range(3):
        world.sim.receive(agent_down("grok"))
        world.sim.passes(60)
    assert (world.sim.states(), world.sim.driver.calls) == ({"grok": "rejected"}, [])
    silences = [({"alertname": "AgentDown", "agent": "grok"}, 4 * 3600, "receiver, grace")]
    assert world.cluster.silences == (silences if choice is Answer.SILENCE else [])
    world.sim.receive(agent_down("grok", starts_at="2027-01-15T12:00:00Z"))
    world.sim.passes(60)
    assert (world.sim.states(), world.sim.driver.calls) == (WAITING, [])
    assert world.question(2).outcome == ""


def test_the_question_ends_where_the_agent_is_well_again(world: Asking) -> None:
    world.falls()
    world.sim.lives("grok", "one")
    world.sim.passes(30)
    assert (world.sim.states(), world.sim.driver.calls) == ({"grok": "skipped"}, [])
    assert world.question().outcome == "unneeded"
    with pytest.raises(ApprovalOver, match="no longer needs an approval"):
        world.answer(Answer.APPROVE)
    world.sim.passes(60)
    assert world.sim.driver.calls == []


def test_the_question_expires_and_is_left_to_people_until_the_agent_is_well(world: Asking) -> None:
    world.falls()
    world.sim.passes(120)
    assert (world.sim.states(), world.sim.driver.calls) == ({"grok": "escalated"}, [])
    assert "not_approved" in world.sim.story()
    with pytest.raises(ApprovalOver, match="it has expired"):
        world.answer(Answer.APPROVE)
    world.sim.receive(agent_down("grok"))
    world.sim.passes(60)
    assert (world.sim.states(), world.sim.driver.calls) == ({"grok": "escalated"}, []), "no other question is asked"
    world.sim.lives("grok", "one")
    world.sim.passes(60)
    assert world.sim.states() == {"grok": "skipped"}
    world.falls(at="11:00")
    assert world.sim.states() == WAITING, "a new firing is a new episode"


def test_an_approval_is_for_all_attempts_of_its_episode_and_for_no_other(world: Asking) -> None:
    world.sim.driver.effect = lambda agent: None
    world.falls()
    world.answer(Answer.APPROVE)
    world.sim.passes(120)
    assert world.sim.driver.calls == ["grok", "grok", "grok"]
    world.sim.lives("grok", "two")
    world.sim.passes(60)
    assert world.sim.states() == {"grok": "recovered"}
    world.sim.now += 3600
    world.sim.passes(30)
    world.sim.dies("grok")
    world.sim.passes(60)
    world.sim.receive(agent_down("grok"))
    world.sim.passes(60)
    assert (world.sim.states(), len(world.sim.driver.calls)) == (WAITING, 3), "the same firing opened it again"


def test_an_approval_that_could_not_be_used_in_time_is_asked_for_again(world: Asking) -> None:
    world.falls()
    world.sim.silenced.add(("AgentDown", "grok"))
    world.answer(Answer.APPROVE)
    world.sim.passes(130)
    world.sim.silenced.clear()
    world.sim.passes(60)
    assert (world.sim.states(), world.sim.driver.calls) == (WAITING, [])


def test_a_question_takes_one_answer(world: Asking) -> None:
    world.falls()
    world.answer(Answer.REFUSE, "grace")
    for choice in (Answer.APPROVE, Answer.REFUSE, Answer.SILENCE):
        with pytest.raises(ApprovalOver, match="was refused by grace"):
            world.answer(choice)
    assert (world.sim.states(), world.cluster.silences) == ({"grok": "rejected"}, [])


def test_without_alertmanager_nothing_is_silenced_and_the_question_stays(world: Asking) -> None:
    world.falls()
    object.__setattr__(world.cluster, "away", True)
    with pytest.raises(NoSilence, match="timed out"):
        world.answer(Answer.SILENCE)
    world.sim.fleet = replace(world.sim.fleet, alerts=world.sim.fleet.alerts.model_copy(update={"engine": "grafana"}))
    with pytest.raises(NoSilence, match="Grafana"):
        world.answer(Answer.SILENCE)
    assert world.sim.states() == WAITING


def test_operators_are_not_asked_and_end_the_question(world: Asking) -> None:
    world.falls()
    world.sim.order("restart", "grok")
    world.sim.passes(60)
    assert (world.sim.driver.calls, world.sim.states()) == (["grok"], {"grok": "recovered"})
    assert world.question().outcome == "unneeded"


def test_without_confirm_the_question_is_dropped(world: Asking) -> None:
    world.falls()
    plain = [
        alert.model_copy(
            update={"actions": tuple(step.model_copy(update={"confirm": False}) for step in alert.actions)}
        )
        for alert in world.sim.fleet.alerts.alerts
    ]
    world.sim.fleet = replace(
        world.sim.fleet, alerts=world.sim.fleet.alerts.model_copy(update={"alerts": tuple(plain)})
    )
    world.sim.passes(60)
    assert (world.sim.driver.calls, world.question().outcome) == (["grok"], "unneeded")


def test_an_action_whose_alert_was_deleted_meanwhile_still_waits(world: Asking) -> None:
    world.falls()
    alerts = world.sim.fleet.alerts
    world.sim.fleet = replace(world.sim.fleet, alerts=alerts.model_copy(update={"alerts": ()}))
    world.sim.passes(60)
    assert (world.sim.states(), world.sim.driver.calls) == (WAITING, [])


def test_a_fleet_that_falls_asks_about_its_trials_only(tmp_path: Path) -> None:
    world = asking(tmp_path, Chats(url="http://127.0.0.1:1"), {"slack": SLACK}, blast_at_least=2, blast_trial=1)
    world.sim.dies("grok", "gimai")
    world.sim.passes(60)
    world.sim.receive(agent_down("grok"), agent_down("gimai"))
    world.sim.passes(60)
    assert sorted(row["state"] for row in world.sim.actions() if row["agent"] != "*") == [
        "deferred",
        "waiting_for_approval",
    ]


def test_a_trial_that_waits_for_approval_holds_no_other_agent_back(tmp_path: Path) -> None:
    world = asking(tmp_path, Chats(url="http://127.0.0.1:1"), {"slack": SLACK}, blast_at_least=2, blast_trial=1)
    alerts = world.sim.fleet.alerts
    plain = next(alert for alert in alerts.alerts if alert.alertname == "AgentDown")
    steps = tuple(step.model_copy(update={"confirm": False}) for step in plain.actions)
    plain = plain.model_copy(update={"name": "Plain Down", "actions": steps})
    changed = alerts.model_copy(update={"alerts": (*alerts.alerts, plain)})
    world.sim.fleet = replace(world.sim.fleet, alerts=changed)
    world.sim.dies("grok", "gimai")
    world.sim.passes(60)
    world.sim.receive(agent_down("grok"))
    world.sim.passes(10)
    world.sim.receive(agent_down("gimai", alertname=plain.alertname))
    world.sim.passes(90)
    assert world.sim.driver.calls == ["gimai"]
    assert world.sim.states() | {"*": ""} == {"grok": "waiting_for_approval", "gimai": "recovered", "*": ""}
    world.answer(Answer.APPROVE)
    world.sim.passes(90)
    assert (world.sim.driver.calls, world.sim.states()["grok"]) == (["gimai", "grok"], "recovered")


@pytest.mark.parametrize("choice", [Answer.REFUSE, Answer.SILENCE])
def test_a_refusal_holds_for_alerts_that_ask_nobody_while_the_firing_lasts(choice: Answer, world: Asking) -> None:
    world.falls()
    world.answer(choice)
    other = agent_down("grok", alertname="PlainDown", fingerprint="other")
    for _ in range(20):
        world.sim.receive(agent_down("grok"), other)
        world.sim.passes(60)
    assert (world.sim.states(), world.sim.driver.calls) == ({"grok": "rejected"}, [])
    world.sim.receive(agent_down("grok", status="resolved"), replace(other, status="resolved"))
    world.sim.receive(replace(other, starts_at="2027-01-15T12:00:00Z"))
    world.sim.passes(60)
    assert world.sim.driver.calls == ["grok"], "a new firing is a new episode"


def test_observing_asks_nobody(tmp_path: Path) -> None:
    world = asking(tmp_path, Chats(url="http://127.0.0.1:1"), {"slack": SLACK})
    world.sim.observe = True
    world.sim.start()
    world.falls()
    assert world.sim.states() == {"grok": "skipped"}


def test_several_receivers_ask_once_and_take_one_answer(world: Asking) -> None:
    world.falls()
    first = world.sim.healer
    world.sim.start()
    world.sim.passes(60)
    world.answer(Answer.APPROVE)
    world.sim.passes(60)
    assert (world.sim.driver.calls, first is not world.sim.healer) == (["grok"], True)
    assert len([line for line in world.sim.story() if line == "waiting_for_approval"]) == 1

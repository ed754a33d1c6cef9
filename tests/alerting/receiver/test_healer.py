"""Healing from the alert to the end of the episode, in simulated time."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from alerting.drivers import RestartRequest
from alerting.drivers.outcome import Cause, Failed, Retry
from alerting.drivers.shortage import ShortOfResources
from alerting.journal import episodes
from alerting.receiver.calls import SHORTAGE_SECONDS
from alerting.receiver.exposition import OpenWork
from alerting.receiver.healer import SHORTEST_PAUSE
from alerting.receiver.limits import RestartCap
from nervesys.contract import Status
from nervesys.errors import StoreUnavailable
from tests.alerting.receiver.simulation import START, Simulation, a_fleet, agent_down

Begin = Callable[..., Simulation]


@pytest.fixture
def begin(tmp_path: Path) -> Begin:
    """A fleet that is well and has been watched for a while."""

    def begin(*agents: str, health: dict[str, Any] | None = None, **limits: Any) -> Simulation:
        sim = Simulation(
            tmp_path, a_fleet(*(agents or ("grok", "gimai", "copilot", "chatgpt")), **(health or {})), **limits
        )
        for agent in sim.fleet.agents:
            sim.lives(agent, "one")
        sim.passes(30)
        return sim

    return begin


def down(sim: Simulation, *agents: str) -> None:
    """Agents die, are missed, and their alerts arrive."""
    sim.dies(*agents)
    sim.passes(35)
    sim.receive(*map(agent_down, agents))
    sim.turn()


def test_a_dead_agent_is_restarted_once_and_proven(begin: Begin) -> None:
    sim = begin()
    sim.driver.effect = lambda agent: sim.lives(agent, "two")
    down(sim, "grok")
    sim.passes(60)
    assert sim.driver.orders == [RestartRequest("grok", "alpha", "grok")], "where it last ran"
    assert sim.story() == ["received", "settling", "act", "called", "first_sign", "proven"]
    assert [change.state for change in sim.changes] == ["deferred", "running", "succeeded", "recovered"]


def test_how_long_each_call_and_each_recovery_took_is_measured_by_driver(begin: Begin) -> None:
    sim = begin()
    sim.driver.script = [Retry(Cause.UNREACHABLE, "no socket")]
    sim.driver.effect = lambda agent: sim.lives(agent, "two")
    down(sim, "grok")
    sim.passes(60)
    (episode,) = sim.actions()
    assert sim.measured("action_duration_seconds_count", action="restart_agent", driver="supervisor") == 2
    assert sim.measured("action_recovery_duration_seconds_count", driver="supervisor") == 1
    took = episode["closed_at"] - episode["opened_at"]
    assert sim.measured("action_recovery_duration_seconds_sum", driver="supervisor") == took


def test_every_firing_repeat_and_twin_joins_the_one_episode(begin: Begin) -> None:
    sim = begin()
    sim.driver.effect = lambda agent: sim.lives(agent, "two")
    down(sim, "grok")
    for _ in range(12):
        sim.receive(agent_down("grok"), agent_down("grok", fingerprint="other", starts_at="2027-01-15T08:00:07Z"))
        sim.passes(5)
    assert sim.driver.calls == ["grok"]
    assert [(row["state"], row["attempts"]) for row in sim.actions()] == [("recovered", 1)]


def test_a_forged_alert_for_a_healthy_agent_does_nothing(begin: Begin) -> None:
    sim = begin()
    for _ in range(4):
        sim.receive(agent_down("grok"))
        sim.passes(30)
    assert sim.driver.calls == []
    assert sim.states() == {"grok": "skipped"}


def test_an_agent_that_was_well_when_its_alert_came_is_looked_at_once_more(begin: Begin) -> None:
    sim = begin()
    sim.receive(agent_down("grok"))
    sim.passes(10)
    assert sim.states() == {"grok": "skipped"}
    sim.dies("grok")
    sim.passes(120)
    assert sim.driver.calls, "though no other alert came"


def test_an_agent_stopped_on_purpose_stays_stopped(begin: Begin) -> None:
    sim = begin()
    sim.dies("grok")
    sim.beats("grok", "one", Status.STOPPED)
    sim.passes(35)
    sim.receive(agent_down("grok"))
    sim.passes(10)
    assert (sim.driver.calls, sim.story()[-1]) == ([], "stopped")


def test_resolved_closes_nothing(begin: Begin) -> None:
    sim = begin()
    down(sim, "grok")
    sim.receive(agent_down("grok", status="resolved"))
    sim.passes(5)
    assert sim.driver.calls == ["grok"]


def test_no_driver_is_called_while_the_store_is_blind_and_the_clock_of_recovery_stands_still(begin: Begin) -> None:
    sim = begin()
    down(sim, "grok")
    sim.passes(5)
    assert sim.driver.calls == ["grok"]
    sim.store.broken = True
    sim.passes(600)
    assert sim.driver.calls == ["grok"]
    assert sim.measured("receiver_store_unavailable") == 1, "which is alerted on"
    sim.store.broken = False
    sim.lives("grok", "two")
    sim.passes(30)
    assert sim.measured("receiver_store_unavailable") == 0
    assert (sim.driver.calls, sim.story()[-1]) == (["grok"], "proven")


def test_after_a_blind_time_silence_counts_only_after_grace(begin: Begin) -> None:
    sim = begin()
    sim.store.broken = True
    sim.passes(120)
    sim.receive(*map(agent_down, sim.fleet.agents))
    sim.store.broken = False
    sim.passes(60)
    assert sim.driver.calls == []
    assert set(sim.states().values()) == {"skipped"}


def test_the_dying_process_last_write_is_no_proof(begin: Begin) -> None:
    sim = begin()
    sim.driver.effect = lambda agent: sim.beats(agent, "one", Status.STOPPED)
    down(sim, "grok")
    sim.passes(15)
    assert "proven" not in sim.story()
    sim.passes(30)
    assert len(sim.driver.calls) > 1, "its word that it stopped is this receiver's own doing"


def test_a_starting_agent_is_never_restarted(begin: Begin) -> None:
    sim = begin()
    down(sim, "grok")
    sim.passes(5)
    for _ in range(30):
        sim.beats("grok", "two", Status.STARTING)
        sim.passes(5)
    assert sim.driver.calls == ["grok"]
    assert sim.story()[-2:] == ["not_working", "waiting"]


def test_without_proof_attempts_are_exhausted_and_people_are_asked_until_there_is_proof(begin: Begin) -> None:
    sim = begin()
    down(sim, "grok")
    sim.passes(300)
    sim.receive(agent_down("grok", starts_at="later"))
    sim.passes(900)
    assert sim.driver.calls == ["grok"] * 3
    assert sim.states() == {"grok": "escalated"}
    sim.lives("grok", "by hand")
    sim.passes(15)
    assert sim.states() == {"grok": "recovered"}


def test_attempts_count_across_episodes(begin: Begin) -> None:
    sim = begin(health={"max_restart_attempts": 2})
    sim.driver.effect = lambda agent: sim.lives(agent, f"after {len(sim.driver.calls)}")
    for number in range(3):
        sim.dies("grok")
        sim.passes(35)
        sim.receive(agent_down("grok", starts_at=str(number)))
        sim.passes(60)
    assert sim.driver.calls == ["grok", "grok"]
    assert sim.states() == {"grok": "escalated"}


@pytest.mark.parametrize("window", [3600, 60], ids=["within the window", "though attempts are forgotten sooner"])
def test_between_two_restarts_of_one_agent_lies_the_cool_down(begin: Begin, window: float) -> None:
    sim = begin(cooldown_seconds=300, window_seconds=window)
    sim.driver.effect = lambda agent: sim.lives(agent, "two")
    down(sim, "grok")
    sim.passes(60)
    sim.dies("grok")
    sim.passes(35)
    sim.receive(agent_down("grok", starts_at="later"))
    sim.passes(60)
    assert (len(sim.driver.calls), sim.states()) == (1, {"grok": "deferred"})
    sim.passes(300)
    assert len(sim.driver.calls) == 2


def test_a_driver_error_is_tried_again_after_5_then_10_seconds(begin: Begin) -> None:
    sim = begin()
    sim.driver.script = [Retry(Cause.UNREACHABLE, "no socket"), Retry(Cause.TIMED_OUT, "slow")]
    sim.driver.effect = lambda agent: sim.lives(agent, "two")
    down(sim, "grok")
    sim.passes(60)
    with sim.journal.transaction() as connection:
        calls = connection.exec_driver_sql("SELECT started_at, outcome FROM attempts ORDER BY id").all()
    assert [outcome for _, outcome in calls] == ["retry", "retry", "done"]
    assert [calls[1][0] - calls[0][0], calls[2][0] - calls[1][0]] == [5, 10]
    assert sim.states() == {"grok": "recovered"}


def test_after_a_call_that_worked_the_cool_down_counts_whatever_failed_before(begin: Begin) -> None:
    sim = begin(cooldown_seconds=300)
    sim.driver.script = [Retry(Cause.UNREACHABLE, "no socket")]
    down(sim, "grok")
    sim.passes(200)
    assert (len(sim.driver.calls), sim.story()[-1]) == (2, "cooling_down")
    sim.passes(200)
    assert len(sim.driver.calls) == 3


def test_a_driver_that_cannot_ever_do_it_asks_people_at_once(begin: Begin) -> None:
    sim = begin()
    sim.driver.script = [Failed(Cause.NOT_FOUND, "no such process")]
    down(sim, "grok")
    sim.passes(60)
    assert (sim.driver.calls, sim.states()) == (["grok"], {"grok": "escalated"})


def test_a_server_that_no_driver_reaches_asks_people_and_starts_no_second_copy(begin: Begin) -> None:
    sim = begin()
    sim.driver.servers = ("beta",)
    down(sim, "grok")
    sim.passes(60)
    assert (sim.driver.calls, sim.story()[-2:]) == ([], ["unreachable_server", "waiting"])


def test_after_a_crash_proof_comes_before_the_next_attempt(begin: Begin) -> None:
    sim = begin()
    down(sim, "grok")
    sim.now += 5
    sim.crashes_while_calling()
    assert sim.states() == {"grok": "running"}
    sim.lives("grok", "two")
    sim.passes(60)
    assert (sim.driver.calls, sim.states()) == ([], {"grok": "recovered"})


def test_after_a_crash_without_proof_the_next_attempt_is_made(begin: Begin) -> None:
    sim = begin()
    sim.driver.effect = lambda agent: sim.lives(agent, "two")
    down(sim, "grok")
    sim.now += 5
    sim.crashes_while_calling()
    sim.passes(90)
    assert (sim.driver.calls, sim.states()) == (["grok"], {"grok": "recovered"})


def test_when_an_episode_ends_the_receiver_looks_again(begin: Begin) -> None:
    sim = begin()
    sim.driver.effect = lambda agent: sim.lives(agent, f"after {len(sim.driver.calls)}")
    down(sim, "grok")
    sim.passes(20)
    assert sim.states() == {"grok": "recovered"}
    sim.dies("grok")
    sim.passes(120)
    assert len(sim.driver.calls) == 2, "though no alert came"


def test_without_an_alert_only_a_silence_worth_one_opens_an_episode_again(begin: Begin) -> None:
    sim = begin()
    sim.driver.effect = lambda agent: sim.lives(agent, "two")
    down(sim, "grok")
    sim.passes(20)
    (episode,), policy = sim.actions(), sim.healer.policy
    sim.passes(episode["closed_at"] + 2 * policy.down - sim.now - policy.grace - 5)
    sim.dies("grok")
    sim.passes(policy.grace + 10)
    assert (sim.driver.calls, sim.states()) == (["grok"], {"grok": "recovered"})


def test_the_receiver_sleeps_until_the_next_agent_is_due_and_no_longer_than_between_two_looks(begin: Begin) -> None:
    sim = begin()

    def pause() -> float:
        return asyncio.run(sim.healer.pause())

    look, settle = sim.healer.policy.check_interval, sim.healer.policy.settle
    assert pause() == look, "nobody is in trouble"
    sim.dies("grok")
    sim.passes(35)
    sim.receive(agent_down("grok"))
    assert pause() == SHORTEST_PAUSE
    sim.turn()
    sim.now += settle - 2
    assert pause() == 2
    with sim.journal.transaction() as connection:
        connection.exec_driver_sql("ALTER TABLE episodes RENAME TO gone")
    assert pause() == look, "a journal that cannot be read is no reason to hurry"


def test_an_agent_taken_out_of_the_brain_ends_its_episode(begin: Begin) -> None:
    sim = begin(health={"max_restart_attempts": 0})
    down(sim, "grok")
    sim.passes(15)
    assert sim.states() == {"grok": "escalated"}
    del sim.fleet.agents["grok"]
    sim.passes(15)
    assert sim.states() == {"grok": "rejected"}


def test_a_test_alert_is_observed_and_never_acted_upon(begin: Begin) -> None:
    sim = begin()
    sim.dies("grok")
    sim.passes(35)
    sim.receive(agent_down("grok", test=True))
    sim.passes(60)
    assert (sim.driver.calls, sim.story()[-1]) == ([], "observed")


def test_where_much_of_the_fleet_falls_at_once_a_few_are_tried_first(begin: Begin) -> None:
    sim = begin("a", "b", "c", "d", "e", "f")
    sim.driver.effect = lambda agent: sim.lives(agent, "two")
    down(sim, "a", "b", "c", "d", "e")
    sim.passes(10)
    assert len(sim.driver.calls) == 1
    assert sim.states()["*"] == "escalated"
    sim.passes(120)
    assert sorted(sim.driver.calls) == ["a", "b", "c", "d", "e"]
    assert set(sim.states().values()) == {"recovered"}


def test_how_many_are_down_is_what_the_receiver_sees_and_not_how_many_alerts_came(begin: Begin) -> None:
    sim = begin("a", "b", "c", "d", "e", "f")
    sim.dies("b", "c", "d", "e")
    down(sim, "a")
    sim.passes(10)
    assert (sim.driver.calls, sim.states()["*"]) == (["a"], "escalated")


def test_where_the_trials_do_not_come_back_the_rest_is_left_alone(begin: Begin) -> None:
    sim = begin("a", "b", "c", "d", "e", "f", blast_pause_seconds=900)
    down(sim, "a", "b", "c", "d", "e")
    sim.passes(600)
    assert len(set(sim.driver.calls)) == 2
    states = sim.states()
    assert states.pop("*") == "escalated"
    assert sorted(states.values()) == ["deferred", "deferred", "deferred", "escalated", "escalated"]


def test_after_the_trials_the_rest_follows_in_waves_that_the_cap_does_not_hold_back(begin: Begin) -> None:
    agents = [f"agent-{number:02}" for number in range(40)]
    sim = begin(*agents, restarts_per_hour=3)
    down(sim, *agents)
    sim.passes(10)
    sim.driver.effect = lambda agent: sim.lives(agent, "two")
    in_flight = []
    while len(sim.driver.calls) < len(agents) and sim.now < START + 1000:
        before = len(sim.driver.calls)
        sim.passes(5)
        in_flight.append(len(sim.driver.calls) - before)
    sim.passes(60)
    assert sorted(set(sim.driver.calls)) == agents
    assert len(sim.driver.calls) == len(agents) + 1, "no double call, but for the trial before the cause was gone"
    assert [wave for wave in in_flight if wave > 1] == [4, 8, 16, 10]
    assert set(sim.states().values()) == {"recovered"}


def test_a_wave_without_proof_is_the_last(begin: Begin) -> None:
    agents = [f"agent-{number:02}" for number in range(20)]
    sim = begin(*agents, blast_pause_seconds=300)
    sim.driver.effect = lambda agent: sim.lives(agent, "two") if len(sim.driver.calls) <= 2 else None
    down(sim, *agents)
    sim.passes(300)
    assert len(set(sim.driver.calls)) == 2 + 4
    sim.passes(300)
    assert len(set(sim.driver.calls)) == 2 + 4 + 1, "then one is tried from time to time"
    assert sim.states()["*"] == "escalated"


@pytest.mark.parametrize("cause", ["the driver refuses", "agents die at once"])
def test_once_the_cause_is_gone_all_come_back_without_people(begin: Begin, cause: str) -> None:
    agents = [f"agent-{number:02}" for number in range(16)]
    sim = begin(*agents)
    sim.driver.script = [Retry(Cause.REFUSED, "out of order")] * 999 if cause == "the driver refuses" else []
    down(sim, *agents)
    sim.passes(400)
    assert 2 < len(set(sim.driver.calls)) < 6, "one more from time to time"
    sim.driver.script, before = [], len(sim.driver.calls)
    sim.driver.effect = lambda agent: sim.lives(agent, "two")
    sim.passes(300)
    assert set(sim.states().values()) == {"recovered"}, "those, too, that were given up before"
    assert Counter(sim.driver.calls[before:]) == dict.fromkeys(agents, 1), "each is restarted once"


def test_one_agent_with_a_fault_of_its_own_holds_nobody_up(begin: Begin) -> None:
    agents = [f"agent-{number:02}" for number in range(16)]
    sim = begin(*agents)
    sim.driver.effect = lambda agent: sim.lives(agent, "two") if agent != sim.driver.calls[0] else None
    down(sim, *agents)
    sim.passes(500)
    (broken,) = [agent for agent, state in sim.states().items() if state != "recovered"]
    assert (broken, sim.states()[broken]) == (sim.driver.calls[0], "escalated")


def test_trials_are_looked_at_first_however_many_others_are_due(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(episodes, "BATCH", 3)
    sim = begin(*(f"agent-{number}" for number in range(12)))
    sim.driver.effect = lambda agent: sim.lives(agent, "two")
    down(sim, *sim.fleet.agents)
    while len(sim.driver.calls) < 2:
        sim.passes(5)
    (second,) = sim.driver.calls[1:]
    row = next(row for row in sim.actions() if row["agent"] == second)
    sim.passes(25)
    assert sim.states()[second] == "recovered", row


def test_the_cap_follows_the_fleet() -> None:
    assert [RestartCap().of(fleet) for fleet in (5, 600, 601, 10_000)] == [60, 60, 61, 1000]
    assert RestartCap(fixed=7).of(10_000) == 7


def test_people_who_take_the_incident_over_release_all_who_wait(begin: Begin) -> None:
    sim = begin("a", "b", "c", "d", "e", "f")
    down(sim, "a", "b", "c", "d", "e")
    sim.passes(10)
    assert len(sim.driver.calls) == 1
    (incident,) = (row["id"] for row in sim.actions() if row["agent"] == "*")
    assert sim.order("acknowledge", "*", incident)
    sim.passes(15)
    assert set(sim.driver.calls) == {"a", "b", "c", "d", "e"}


def recur(sim: Simulation, times: int) -> None:
    """Let grok die so often; each restart brings it back."""
    sim.driver.effect = lambda agent: sim.lives(agent, f"instance-{len(sim.driver.calls)}")
    for number in range(times):
        sim.dies("grok")
        sim.passes(35)
        sim.receive(agent_down("grok", starts_at=f"firing {number}"))
        sim.passes(60)


def test_recoveries_that_lie_far_apart_are_no_flapping(begin: Begin) -> None:
    sim = begin(health={"max_restart_attempts": 99}, flap_recoveries=3, flap_window_seconds=200)
    recur(sim, 4)
    assert (len(sim.driver.calls), sim.states()) == (4, {"grok": "recovered"})


def test_restarts_that_recover_but_recur_are_given_up(begin: Begin) -> None:
    sim = begin(health={"max_restart_attempts": 99}, flap_recoveries=3)
    recur(sim, 5)
    assert sim.driver.calls == ["grok"] * 3
    assert sim.states() == {"grok": "escalated"}
    sim.lives("grok", "mended")
    sim.passes(30)
    assert sim.states() == {"grok": "recovered"}


def test_the_fleet_has_no_more_restarts_in_an_hour_than_its_cap(begin: Begin) -> None:
    sim = begin(*(f"agent-{number}" for number in range(12)), restarts_per_hour=2)
    sim.driver.effect = lambda agent: sim.lives(agent, "two")
    down(sim, "agent-1", "agent-2", "agent-3")
    sim.passes(600)
    assert len(sim.driver.calls) == 2
    assert sorted(sim.states().values()) == ["deferred", "recovered", "recovered"]
    assert asyncio.run(sim.journal.run(OpenWork.read)).capped == 1, "which is exposed, and alerted on"
    sim.passes(3600)
    assert len(sim.driver.calls) == 3


def test_while_it_observes_it_says_what_it_would_do(begin: Begin) -> None:
    sim = begin()
    sim.observe = True
    sim.start()
    down(sim, "grok")
    sim.receive(agent_down("grok"))
    sim.passes(60)
    assert sim.driver.calls == []
    (shown,) = sim.actions()
    assert (shown["state"], shown["detail"]) == ("skipped", "observing; it would be: act")


def test_a_silenced_alert_acts_once_the_silence_is_over(begin: Begin) -> None:
    sim = begin()
    sim.driver.effect = lambda agent: sim.lives(agent, "two")
    sim.silenced = {("AgentDown", "grok")}
    down(sim, "grok", "gimai")
    sim.passes(60)
    assert (sim.driver.calls, sim.states()["grok"]) == (["gimai"], "deferred")
    sim.silenced.clear()
    sim.passes(10)
    assert sim.driver.calls == ["gimai", "grok"]


def in_turn(sim: Simulation, agent: str, *instances: str, seconds: float) -> None:
    """Several instances write one agent's state, one after another."""
    for number in range(int(seconds // 5)):
        sim.lives(agent, instances[number % len(instances)])
        sim.passes(5)


def test_two_instances_in_turn_stop_all_restarts_until_one_is_left_alone(begin: Begin) -> None:
    sim = begin()
    sim.driver.effect = lambda agent: sim.lives(agent, "two")
    down(sim, "grok")
    sim.passes(5)
    in_turn(sim, "grok", "two", "one", seconds=60)
    assert (sim.driver.calls, sim.states()) == (["grok"], {"grok": "escalated"})
    assert sim.actions()[0]["detail"] == "instances one and two write in turn; stop one of them"
    sim.dies("grok")
    sim.passes(300)
    assert sim.driver.calls == ["grok"], "nobody knows which of them the driver would reach"
    sim.lives("grok", "one")
    sim.passes(60)
    assert (sim.driver.calls, sim.states()) == (["grok"], {"grok": "recovered"})


def test_an_instance_that_was_replaced_is_known_again_across_episodes_and_receivers(begin: Begin) -> None:
    sim = begin()
    sim.driver.effect = lambda agent: sim.lives(agent, "two")
    down(sim, "grok")
    sim.passes(60)
    assert sim.states() == {"grok": "recovered"}
    sim.passes(3600)
    sim.start()
    sim.lives("grok", "one")
    sim.passes(30)
    sim.dies("grok")
    sim.passes(35)
    sim.receive(agent_down("grok", starts_at="later"))
    sim.passes(120)
    assert (sim.driver.calls, sim.story(2)[:2]) == (["grok"], ["received", "duplicate_agent"])


def test_who_does_not_know_the_time_decides_and_writes_nothing(begin: Begin) -> None:
    sim = begin()
    down(sim, "grok")
    before, sim.store.broken = sim.actions(), True
    sim.store.refusal = StoreUnavailable("list: RequestTimeTooSkewed", sim.now - 3600)
    sim.passes(60)
    assert (sim.driver.calls, sim.actions()) == ([], before)


def test_an_episode_that_a_clock_ahead_has_opened_is_healed_at_once(begin: Begin) -> None:
    sim = begin()
    sim.driver.effect = lambda agent: sim.lives(agent, "two")
    sim.dies("grok")
    sim.passes(35)
    sim.now += 3600
    sim.receive(agent_down("grok"))
    sim.now -= 3600
    sim.passes(60)
    assert (sim.driver.calls, sim.states()) == (["grok"], {"grok": "recovered"})


def test_a_clock_that_is_set_while_a_driver_works_takes_nothing_out_of_its_hands(begin: Begin) -> None:
    sim, turned = begin(), threading.Event()
    sim.driver.effect = lambda agent: sim.lives(agent, "two") if turned.wait(30) else None
    down(sim, "grok")

    async def story() -> None:
        sim.now += 5
        await sim.healer.turn()
        sim.now += 3600
        await sim.healer.turn()
        turned.set()
        await asyncio.gather(*sim.calls._tasks)

    asyncio.run(story())
    sim.passes(60)
    assert (sim.driver.calls, sim.states()) == (["grok"], {"grok": "recovered"})
    assert "called" in sim.story()


def test_a_driver_that_hangs_holds_up_nobody_else(begin: Begin) -> None:
    sim, let_go = begin(), threading.Event()

    def restart(agent: str) -> None:
        if agent == "grok":
            let_go.wait(30)
        sim.lives(agent, "two")

    sim.driver.effect = restart
    down(sim, "grok", "gimai")

    async def story() -> None:
        while sim.states()["gimai"] != "recovered":
            sim.now += 5
            sim.beat_all()
            await sim.healer.turn()
            await asyncio.sleep(0.01)
        assert sim.states()["grok"] == "running"
        let_go.set()
        await asyncio.gather(*sim.calls._tasks)

    asyncio.run(story())
    sim.passes(60)
    assert (sorted(sim.driver.calls), sim.states()["grok"]) == (["gimai", "grok"], "recovered")


def test_while_a_driver_works_no_other_receiver_takes_its_episode_over(begin: Begin) -> None:
    sim, let_go = begin(lease_seconds=0.3), threading.Event()
    sim.driver.effect = lambda agent: sim.lives(agent, "two") if let_go.wait(30) else None
    down(sim, "grok")

    def lease(connection: Connection) -> float:
        return float(connection.exec_driver_sql("SELECT lease_until FROM episodes").scalar_one())

    async def story() -> None:
        sim.now += 5
        await sim.healer.turn()
        sim.now += 60
        for _ in range(1000):
            await asyncio.sleep(0.01)
            if kept := await sim.journal.run(lease) > sim.now:
                break
        let_go.set()
        assert kept, "it lets go of it"
        await asyncio.gather(*sim.calls._tasks)

    asyncio.run(story())
    sim.passes(60)
    assert (sim.driver.calls, sim.states()) == (["grok"], {"grok": "recovered"})


def test_what_the_receivers_own_machine_lacks_is_never_an_attempt(begin: Begin) -> None:
    """Files ran out in 1100 idle connections: each call failed, and three agents' attempts were used up."""
    sim = begin()
    sim.driver.short = ShortOfResources("Too many open files")
    down(sim, "grok")
    sim.passes(20 * SHORTAGE_SECONDS)
    assert len(sim.driver.calls) > 10
    (row,) = sim.actions(action="restart_agent")
    assert (row["state"], row["verdict"], row["attempts"]) == ("pending", "no_resources", 0)
    assert "the receiver's own machine: Too many open files" in row["detail"]
    sim.driver.short, sim.driver.effect = None, lambda agent: sim.lives(agent, "two")
    sim.passes(60)
    (row,) = sim.actions(action="restart_agent")
    assert (row["state"], row["attempts"]) == ("recovered", 1)

"""Stories of healing: what is received, what is seen, and what comes of it."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from alerting.drivers import Order
from alerting.drivers.outcome import Cause, Failed, Retry
from alerting.receiver.exposition import Waiting
from alerting.receiver.healer import SHORTEST_PAUSE
from nervesys.contract import Status
from nervesys.errors import StoreUnavailable
from tests.alerting.receiver.world import World, a_fleet, agent_down

Begin = Callable[..., World]


@pytest.fixture
def begin(tmp_path: Path) -> Begin:
    """A fleet that is well and has been watched for a while."""

    def begin(*agents: str, health: dict[str, Any] | None = None, **limits: Any) -> World:
        world = World(
            tmp_path, a_fleet(*(agents or ("grok", "gimai", "copilot", "chatgpt")), **(health or {})), **limits
        )
        for agent in world.fleet.agents:
            world.lives(agent, "one")
        world.passes(30)
        return world

    return begin


def down(world: World, *agents: str) -> None:
    """Agents die, are missed, and their alerts arrive."""
    world.dies(*agents)
    world.passes(35)
    world.receive(*map(agent_down, agents))
    world.turn()


def test_a_dead_agent_is_restarted_once_and_proven(begin: Begin) -> None:
    world = begin()
    world.driver.effect = lambda agent: world.lives(agent, "two")
    down(world, "grok")
    world.passes(60)
    assert world.driver.orders == [Order("grok", "alpha", "grok")], "where it last ran"
    assert world.story() == ["received", "settling", "act", "called", "first_sign", "proven"]
    assert [change.state for change in world.changes] == ["deferred", "running", "succeeded", "recovered"]


def test_how_long_each_call_and_each_recovery_took_is_measured_by_driver(begin: Begin) -> None:
    world = begin()
    world.driver.script = [Retry(Cause.UNREACHABLE, "no socket")]
    world.driver.effect = lambda agent: world.lives(agent, "two")
    down(world, "grok")
    world.passes(60)
    (episode,) = world.actions()
    assert world.measured("action_duration_seconds_count", action="restart_agent", driver="supervisor") == 2
    assert world.measured("action_recovery_duration_seconds_count", driver="supervisor") == 1
    took = episode["closed_at"] - episode["opened_at"]
    assert world.measured("action_recovery_duration_seconds_sum", driver="supervisor") == took


def test_every_firing_repeat_and_twin_joins_the_one_episode(begin: Begin) -> None:
    world = begin()
    world.driver.effect = lambda agent: world.lives(agent, "two")
    down(world, "grok")
    for _ in range(12):
        world.receive(agent_down("grok"), agent_down("grok", fingerprint="other", starts_at="2027-01-15T08:00:07Z"))
        world.passes(5)
    assert world.driver.calls == ["grok"]
    assert [(one["state"], one["attempts"]) for one in world.actions()] == [("recovered", 1)]


def test_a_forged_alert_for_a_healthy_agent_does_nothing(begin: Begin) -> None:
    world = begin()
    for _ in range(4):
        world.receive(agent_down("grok"))
        world.passes(30)
    assert world.driver.calls == []
    assert world.states() == {"grok": "skipped"}


def test_an_agent_that_was_well_when_its_alert_came_is_looked_at_once_more(begin: Begin) -> None:
    world = begin()
    world.receive(agent_down("grok"))
    world.passes(10)
    assert world.states() == {"grok": "skipped"}
    world.dies("grok")
    world.passes(120)
    assert world.driver.calls, "though no other alert came"


def test_an_agent_stopped_on_purpose_stays_stopped(begin: Begin) -> None:
    world = begin()
    world.dies("grok")
    world.beats("grok", "one", Status.STOPPED)
    world.passes(35)
    world.receive(agent_down("grok"))
    world.passes(10)
    assert (world.driver.calls, world.story()[-1]) == ([], "stopped")


def test_resolved_closes_nothing(begin: Begin) -> None:
    world = begin()
    down(world, "grok")
    world.receive(agent_down("grok", status="resolved"))
    world.passes(5)
    assert world.driver.calls == ["grok"]


def test_no_driver_is_called_while_the_store_is_blind_and_the_clock_of_recovery_stands_still(begin: Begin) -> None:
    world = begin()
    down(world, "grok")
    world.passes(5)
    assert world.driver.calls == ["grok"]
    world.store.broken = True
    world.passes(600)
    assert world.driver.calls == ["grok"]
    assert world.measured("receiver_store_unavailable") == 1, "which is alerted on"
    world.store.broken = False
    world.lives("grok", "two")
    world.passes(30)
    assert world.measured("receiver_store_unavailable") == 0
    assert (world.driver.calls, world.story()[-1]) == (["grok"], "proven")


def test_after_a_blind_time_silence_counts_only_after_grace(begin: Begin) -> None:
    world = begin()
    world.store.broken = True
    world.passes(120)
    world.receive(*map(agent_down, world.fleet.agents))
    world.store.broken = False
    world.passes(60)
    assert world.driver.calls == []
    assert set(world.states().values()) == {"skipped"}


def test_the_dying_process_last_write_is_no_proof(begin: Begin) -> None:
    world = begin()
    world.driver.effect = lambda agent: world.beats(agent, "one", Status.STOPPED)
    down(world, "grok")
    world.passes(15)
    assert "proven" not in world.story()
    world.passes(30)
    assert len(world.driver.calls) > 1, "its word that it stopped is this receiver's own doing"


def test_a_starting_agent_is_never_restarted(begin: Begin) -> None:
    world = begin()
    down(world, "grok")
    world.passes(5)
    for _ in range(30):
        world.beats("grok", "two", Status.STARTING)
        world.passes(5)
    assert world.driver.calls == ["grok"]
    assert world.story()[-2:] == ["not_working", "waiting"]


def test_without_proof_attempts_are_exhausted_and_people_are_asked_until_there_is_proof(begin: Begin) -> None:
    world = begin()
    down(world, "grok")
    world.passes(300)
    world.receive(agent_down("grok", starts_at="later"))
    world.passes(900)
    assert world.driver.calls == ["grok"] * 3
    assert world.states() == {"grok": "escalated"}
    world.lives("grok", "by hand")
    world.passes(15)
    assert world.states() == {"grok": "recovered"}


def test_attempts_count_across_episodes(begin: Begin) -> None:
    world = begin(health={"max_restart_attempts": 2})
    world.driver.effect = lambda agent: world.lives(agent, f"after {len(world.driver.calls)}")
    for number in range(3):
        world.dies("grok")
        world.passes(35)
        world.receive(agent_down("grok", starts_at=str(number)))
        world.passes(60)
    assert world.driver.calls == ["grok", "grok"]
    assert world.states() == {"grok": "escalated"}


@pytest.mark.parametrize("window", [3600, 60], ids=["within the window", "though attempts are forgotten sooner"])
def test_between_two_restarts_of_one_agent_lies_the_cool_down(begin: Begin, window: float) -> None:
    world = begin(cooldown_seconds=300, window_seconds=window)
    world.driver.effect = lambda agent: world.lives(agent, "two")
    down(world, "grok")
    world.passes(60)
    world.dies("grok")
    world.passes(35)
    world.receive(agent_down("grok", starts_at="later"))
    world.passes(60)
    assert (len(world.driver.calls), world.states()) == (1, {"grok": "deferred"})
    world.passes(300)
    assert len(world.driver.calls) == 2


def test_a_driver_error_is_tried_again_after_5_then_10_seconds(begin: Begin) -> None:
    world = begin()
    world.driver.script = [Retry(Cause.UNREACHABLE, "no socket"), Retry(Cause.TIMED_OUT, "slow")]
    world.driver.effect = lambda agent: world.lives(agent, "two")
    down(world, "grok")
    world.passes(60)
    with world.journal.transaction() as connection:
        calls = connection.exec_driver_sql("SELECT started_at, outcome FROM attempts ORDER BY id").all()
    assert [outcome for _, outcome in calls] == ["retry", "retry", "done"]
    assert [calls[1][0] - calls[0][0], calls[2][0] - calls[1][0]] == [5, 10]
    assert world.states() == {"grok": "recovered"}


def test_after_a_call_that_worked_the_cool_down_counts_whatever_failed_before(begin: Begin) -> None:
    world = begin(cooldown_seconds=300)
    world.driver.script = [Retry(Cause.UNREACHABLE, "no socket")]
    down(world, "grok")
    world.passes(200)
    assert (len(world.driver.calls), world.story()[-1]) == (2, "cooling_down")
    world.passes(200)
    assert len(world.driver.calls) == 3


def test_a_driver_that_cannot_ever_do_it_asks_people_at_once(begin: Begin) -> None:
    world = begin()
    world.driver.script = [Failed(Cause.NOT_FOUND, "no such process")]
    down(world, "grok")
    world.passes(60)
    assert (world.driver.calls, world.states()) == (["grok"], {"grok": "escalated"})


def test_a_server_that_no_driver_reaches_asks_people_and_starts_no_second_copy(begin: Begin) -> None:
    world = begin()
    world.driver.servers = ("beta",)
    down(world, "grok")
    world.passes(60)
    assert (world.driver.calls, world.story()[-2:]) == ([], ["unreachable_server", "waiting"])


def test_after_a_crash_proof_comes_before_the_next_attempt(begin: Begin) -> None:
    world = begin()
    down(world, "grok")
    world.now += 5
    world.crashes_while_calling()
    assert world.states() == {"grok": "running"}
    world.lives("grok", "two")
    world.passes(60)
    assert (world.driver.calls, world.states()) == ([], {"grok": "recovered"})


def test_after_a_crash_without_proof_the_next_attempt_is_made(begin: Begin) -> None:
    world = begin()
    world.driver.effect = lambda agent: world.lives(agent, "two")
    down(world, "grok")
    world.now += 5
    world.crashes_while_calling()
    world.passes(90)
    assert (world.driver.calls, world.states()) == (["grok"], {"grok": "recovered"})


def test_when_an_episode_ends_the_receiver_looks_again(begin: Begin) -> None:
    world = begin()
    world.driver.effect = lambda agent: world.lives(agent, f"after {len(world.driver.calls)}")
    down(world, "grok")
    world.passes(20)
    assert world.states() == {"grok": "recovered"}
    world.dies("grok")
    world.passes(120)
    assert len(world.driver.calls) == 2, "though no alert came"


def test_without_an_alert_only_a_silence_worth_one_opens_an_episode_again(begin: Begin) -> None:
    world = begin()
    world.driver.effect = lambda agent: world.lives(agent, "two")
    down(world, "grok")
    world.passes(20)
    (episode,), policy = world.actions(), world.healer.policy
    world.passes(episode["closed_at"] + 2 * policy.down - world.now - policy.grace - 5)
    world.dies("grok")
    world.passes(policy.grace + 10)
    assert (world.driver.calls, world.states()) == (["grok"], {"grok": "recovered"})


def test_the_receiver_sleeps_until_the_next_agent_is_due_and_no_longer_than_between_two_looks(begin: Begin) -> None:
    world = begin()

    def pause() -> float:
        return asyncio.run(world.healer.pause())

    look, settle = world.healer.policy.look, world.healer.policy.settle
    assert pause() == look, "nobody is in trouble"
    world.dies("grok")
    world.passes(35)
    world.receive(agent_down("grok"))
    assert pause() == SHORTEST_PAUSE
    world.turn()
    world.now += settle - 2
    assert pause() == 2
    with world.journal.transaction() as connection:
        connection.exec_driver_sql("ALTER TABLE episodes RENAME TO gone")
    assert pause() == look, "a journal that cannot be read is no reason to hurry"


def test_an_agent_taken_out_of_the_brain_ends_its_episode(begin: Begin) -> None:
    world = begin(health={"max_restart_attempts": 0})
    down(world, "grok")
    world.passes(15)
    assert world.states() == {"grok": "escalated"}
    del world.fleet.agents["grok"]
    world.passes(15)
    assert world.states() == {"grok": "rejected"}


def test_a_test_alert_is_observed_and_never_acted_upon(begin: Begin) -> None:
    world = begin()
    world.dies("grok")
    world.passes(35)
    world.receive(agent_down("grok", test=True))
    world.passes(60)
    assert (world.driver.calls, world.story()[-1]) == ([], "observed")


def test_where_much_of_the_fleet_falls_at_once_a_few_are_tried_first(begin: Begin) -> None:
    world = begin("a", "b", "c", "d", "e", "f")
    world.driver.effect = lambda agent: world.lives(agent, "two")
    down(world, "a", "b", "c", "d", "e")
    world.passes(10)
    assert len(world.driver.calls) == 1
    assert world.states()["*"] == "escalated"
    world.passes(120)
    assert sorted(world.driver.calls) == ["a", "b", "c", "d", "e"]
    assert set(world.states().values()) == {"recovered"}


def test_how_many_are_down_is_what_the_receiver_sees_and_not_how_many_alerts_came(begin: Begin) -> None:
    world = begin("a", "b", "c", "d", "e", "f")
    world.dies("b", "c", "d", "e")
    down(world, "a")
    world.passes(10)
    assert (world.driver.calls, world.states()["*"]) == (["a"], "escalated")


def test_where_the_trials_do_not_come_back_the_rest_is_left_alone(begin: Begin) -> None:
    world = begin("a", "b", "c", "d", "e", "f")
    down(world, "a", "b", "c", "d", "e")
    world.passes(600)
    assert len(set(world.driver.calls)) == 2
    states = world.states()
    assert states.pop("*") == "escalated"
    assert sorted(states.values()) == ["deferred", "deferred", "deferred", "escalated", "escalated"]


def test_people_who_take_the_incident_over_release_all_who_wait(begin: Begin) -> None:
    world = begin("a", "b", "c", "d", "e", "f")
    down(world, "a", "b", "c", "d", "e")
    world.passes(10)
    assert len(world.driver.calls) == 1
    (incident,) = (one["id"] for one in world.actions() if one["agent"] == "*")
    assert world.order("acknowledge", "*", incident)
    world.passes(15)
    assert set(world.driver.calls) == {"a", "b", "c", "d", "e"}


def recur(world: World, times: int) -> None:
    """Let grok die so often; each restart brings it back."""
    world.driver.effect = lambda agent: world.lives(agent, f"instance-{len(world.driver.calls)}")
    for number in range(times):
        world.dies("grok")
        world.passes(35)
        world.receive(agent_down("grok", starts_at=f"firing {number}"))
        world.passes(60)


def test_recoveries_that_lie_far_apart_are_no_flapping(begin: Begin) -> None:
    world = begin(health={"max_restart_attempts": 99}, flap_recoveries=3, flap_window_seconds=200)
    recur(world, 4)
    assert (len(world.driver.calls), world.states()) == (4, {"grok": "recovered"})


def test_restarts_that_recover_but_recur_are_given_up(begin: Begin) -> None:
    world = begin(health={"max_restart_attempts": 99}, flap_recoveries=3)
    recur(world, 5)
    assert world.driver.calls == ["grok"] * 3
    assert world.states() == {"grok": "escalated"}
    world.lives("grok", "mended")
    world.passes(30)
    assert world.states() == {"grok": "recovered"}


def test_the_fleet_has_no_more_restarts_in_an_hour_than_its_cap(begin: Begin) -> None:
    world = begin(*(f"agent-{number}" for number in range(12)), restarts_per_hour=2)
    world.driver.effect = lambda agent: world.lives(agent, "two")
    down(world, "agent-1", "agent-2", "agent-3")
    world.passes(600)
    assert len(world.driver.calls) == 2
    assert sorted(world.states().values()) == ["deferred", "recovered", "recovered"]
    assert asyncio.run(world.journal.run(Waiting.read)).capped == 1, "which is told, and alerted on"
    world.passes(3600)
    assert len(world.driver.calls) == 3


def test_while_it_observes_it_says_what_it_would_do(begin: Begin) -> None:
    world = begin()
    world.observe = True
    world.start()
    down(world, "grok")
    world.receive(agent_down("grok"))
    world.passes(60)
    assert world.driver.calls == []
    (shown,) = world.actions()
    assert (shown["state"], shown["detail"]) == ("skipped", "observing; it would be: act")


def test_a_silenced_alert_acts_once_the_silence_is_over(begin: Begin) -> None:
    world = begin()
    world.driver.effect = lambda agent: world.lives(agent, "two")
    world.silenced = {("AgentDown", "grok")}
    down(world, "grok", "gimai")
    world.passes(60)
    assert (world.driver.calls, world.states()["grok"]) == (["gimai"], "deferred")
    world.silenced.clear()
    world.passes(10)
    assert world.driver.calls == ["gimai", "grok"]


def in_turn(world: World, agent: str, *instances: str, seconds: float) -> None:
    """Several instances write one agent's state, one after another."""
    for number in range(int(seconds // 5)):
        world.lives(agent, instances[number % len(instances)])
        world.passes(5)


def test_two_instances_in_turn_stop_all_restarts_until_one_is_left_alone(begin: Begin) -> None:
    world = begin()
    world.driver.effect = lambda agent: world.lives(agent, "two")
    down(world, "grok")
    world.passes(5)
    in_turn(world, "grok", "two", "one", seconds=60)
    assert (world.driver.calls, world.states()) == (["grok"], {"grok": "escalated"})
    assert world.actions()[0]["detail"] == "instances one and two speak in turn; stop one of them"
    world.dies("grok")
    world.passes(300)
    assert world.driver.calls == ["grok"], "nobody knows which of them the driver would reach"
    world.lives("grok", "one")
    world.passes(60)
    assert (world.driver.calls, world.states()) == (["grok"], {"grok": "recovered"})


def test_an_instance_that_was_replaced_is_known_again_across_episodes_and_receivers(begin: Begin) -> None:
    world = begin()
    world.driver.effect = lambda agent: world.lives(agent, "two")
    down(world, "grok")
    world.passes(60)
    assert world.states() == {"grok": "recovered"}
    world.passes(3600)
    world.start()
    world.lives("grok", "one")
    world.passes(30)
    world.dies("grok")
    world.passes(35)
    world.receive(agent_down("grok", starts_at="later"))
    world.passes(120)
    assert (world.driver.calls, world.story(2)[:2]) == (["grok"], ["received", "duplicate_agent"])


def test_who_does_not_know_the_time_decides_and_writes_nothing(begin: Begin) -> None:
    world = begin()
    down(world, "grok")
    before, world.store.broken = world.actions(), True
    world.store.refusal = StoreUnavailable("list: RequestTimeTooSkewed", world.now - 3600)
    world.passes(60)
    assert (world.driver.calls, world.actions()) == ([], before)


def test_an_episode_that_a_clock_ahead_has_opened_is_healed_at_once(begin: Begin) -> None:
    world = begin()
    world.driver.effect = lambda agent: world.lives(agent, "two")
    world.dies("grok")
    world.passes(35)
    world.now += 3600
    world.receive(agent_down("grok"))
    world.now -= 3600
    world.passes(60)
    assert (world.driver.calls, world.states()) == (["grok"], {"grok": "recovered"})


def test_a_clock_that_is_set_while_a_driver_works_takes_nothing_out_of_its_hands(begin: Begin) -> None:
    world, turned = begin(), threading.Event()
    world.driver.effect = lambda agent: world.lives(agent, "two") if turned.wait(30) else None
    down(world, "grok")

    async def story() -> None:
        world.now += 5
        await world.healer.turn()
        world.now += 3600
        await world.healer.turn()
        turned.set()
        await asyncio.gather(*world.calls._tasks)

    asyncio.run(story())
    world.passes(60)
    assert (world.driver.calls, world.states()) == (["grok"], {"grok": "recovered"})
    assert "called" in world.story()


def test_a_driver_that_hangs_holds_up_nobody_else(begin: Begin) -> None:
    world, let_go = begin(), threading.Event()

    def restart(agent: str) -> None:
        if agent == "grok":
            let_go.wait(30)
        world.lives(agent, "two")

    world.driver.effect = restart
    down(world, "grok", "gimai")

    async def story() -> None:
        while world.states()["gimai"] != "recovered":
            world.now += 5
            world.beat_all()
            await world.healer.turn()
            await asyncio.sleep(0.01)
        assert world.states()["grok"] == "running"
        let_go.set()
        await asyncio.gather(*world.calls._tasks)

    asyncio.run(story())
    world.passes(60)
    assert (sorted(world.driver.calls), world.states()["grok"]) == (["gimai", "grok"], "recovered")


def test_while_a_driver_works_no_other_receiver_takes_its_episode_over(begin: Begin) -> None:
    world, let_go = begin(lease_seconds=0.3), threading.Event()
    world.driver.effect = lambda agent: world.lives(agent, "two") if let_go.wait(30) else None
    down(world, "grok")

    def lease(connection: Connection) -> float:
        return float(connection.exec_driver_sql("SELECT lease_until FROM episodes").scalar_one())

    async def story() -> None:
        world.now += 5
        await world.healer.turn()
        world.now += 60
        for _ in range(1000):
            await asyncio.sleep(0.01)
            if kept := await world.journal.run(lease) > world.now:
                break
        let_go.set()
        assert kept, "it lets go of it"
        await asyncio.gather(*world.calls._tasks)

    asyncio.run(story())
    world.passes(60)
    assert (world.driver.calls, world.states()) == (["grok"], {"grok": "recovered"})

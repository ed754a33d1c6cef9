"""What people order by hand, and what comes of it."""

from pathlib import Path

import pytest

from nervesys.contract import Status
from tests.alerting.receiver.world import World, a_fleet, agent_down


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path, a_fleet("grok", "gimai", max_restart_attempts=1), blast_at_least=1, blast_trial=1)
    world.lives("grok", "one")
    world.lives("gimai", "one")
    world.driver.effect = lambda target: world.lives(target, "two")
    world.passes(20)
    return world


def test_an_agent_that_speaks_is_restarted_and_proven(world: World) -> None:
    assert world.order("restart", "grok") is not None
    world.passes(20)
    assert world.driver.calls == ["grok"]
    assert world.story() == ["received", "ordered", "act", "called", "first_sign", "proven"]
    assert world.states() == {"grok": "recovered"}


def test_an_order_goes_past_every_limit(world: World) -> None:
    world.driver.effect = lambda target: None
    world.dies("grok", "gimai")
    world.passes(40)
    world.receive(agent_down("grok"))
    world.passes(60)
    assert world.states()["grok"] == "escalated", "one attempt is allowed"
    world.driver.effect = lambda target: world.lives(target, "two")
    world.order("restart", "grok")
    world.order("restart", "gimai")
    world.passes(20)
    assert sorted(world.driver.calls) == ["gimai", "grok", "grok"], "no cap, and no blast radius"
    assert (world.states()["grok"], world.states()["gimai"]) == ("recovered", "recovered")


def test_an_order_waits_until_the_store_can_be_read(world: World) -> None:
    world.store.broken = True
    world.order("restart", "grok")
    world.passes(60)
    assert world.driver.calls == []
    world.store.broken = False
    world.passes(60)
    assert world.driver.calls == ["grok"]


def test_an_agent_stopped_on_purpose_is_started(world: World) -> None:
    world.alive.pop("grok")
    world.beats("grok", "one", Status.STOPPED)
    world.order("restart", "grok")
    world.passes(20)
    assert world.states() == {"grok": "recovered"}


def test_no_order_starts_a_second_copy_elsewhere(world: World) -> None:
    world.driver.servers = ("beta",)
    world.order("restart", "grok")
    world.passes(10)
    assert world.driver.calls == []
    assert world.states() == {"grok": "escalated"}


def test_a_driver_call_under_way_is_not_doubled(world: World) -> None:
    world.order("restart", "grok")
    world.crashes_while_calling()
    assert world.order("restart", "grok") is None
    assert world.order("cancel", "grok", 1) is None


def test_a_cancelled_episode_stays_ended_while_its_alert_fires(world: World) -> None:
    world.dies("grok")
    world.receive(agent_down("grok"))
    assert world.order("cancel", "grok", 7) is None, "this is not its episode"
    assert world.order("cancel", "grok", 1) is not None
    world.passes(60)
    world.receive(agent_down("grok"))
    world.passes(60)
    assert world.driver.calls == []
    assert world.states() == {"grok": "failed"}
    assert world.order("cancel", "grok", 1) is None, "it has ended"

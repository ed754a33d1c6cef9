"""Requests of operators, and their effects."""

from pathlib import Path

import pytest

from nervesys.contract import Status
from tests.alerting.receiver.simulation import Simulation, a_fleet, agent_down


@pytest.fixture
def sim(tmp_path: Path) -> Simulation:
    sim = Simulation(tmp_path, a_fleet("grok", "gimai", max_restart_attempts=1), blast_at_least=1, blast_trial=1)
    sim.lives("grok", "one")
    sim.lives("gimai", "one")
    sim.driver.effect = lambda target: sim.lives(target, "two")
    sim.passes(20)
    return sim


def test_an_agent_with_heartbeats_is_restarted_and_proven(sim: Simulation) -> None:
    assert sim.order("restart", "grok") is not None
    sim.passes(20)
    assert sim.driver.calls == ["grok"]
    assert sim.story() == ["received", "ordered", "act", "called", "first_sign", "proven"]
    assert sim.states() == {"grok": "recovered"}


def test_an_order_goes_past_every_limit(sim: Simulation) -> None:
    sim.driver.effect = lambda target: None
    sim.dies("grok", "gimai")
    sim.passes(40)
    sim.receive(agent_down("grok"))
    sim.passes(60)
    assert sim.states()["grok"] == "escalated", "one attempt is allowed"
    sim.driver.effect = lambda target: sim.lives(target, "two")
    sim.order("restart", "grok")
    sim.order("restart", "gimai")
    sim.passes(20)
    assert sorted(sim.driver.calls) == ["gimai", "grok", "grok"], "no cap, and no blast radius"
    assert (sim.states()["grok"], sim.states()["gimai"]) == ("recovered", "recovered")


def test_an_order_waits_until_the_store_can_be_read(sim: Simulation) -> None:
    sim.store.broken = True
    sim.order("restart", "grok")
    sim.passes(60)
    assert sim.driver.calls == []
    sim.store.broken = False
    sim.passes(60)
    assert sim.driver.calls == ["grok"]


def test_an_agent_stopped_on_purpose_is_started(sim: Simulation) -> None:
    sim.alive.pop("grok")
    sim.beats("grok", "one", Status.STOPPED)
    sim.order("restart", "grok")
    sim.passes(20)
    assert sim.states() == {"grok": "recovered"}


def test_no_order_starts_a_second_copy_elsewhere(sim: Simulation) -> None:
    sim.driver.servers = ("beta",)
    sim.order("restart", "grok")
    sim.passes(10)
    assert sim.driver.calls == []
    assert sim.states() == {"grok": "escalated"}


def test_a_driver_call_under_way_is_not_doubled(sim: Simulation) -> None:
    sim.order("restart", "grok")
    sim.crashes_while_calling()
    assert sim.order("restart", "grok") is None
    assert sim.order("cancel", "grok", 1) is None


def test_a_cancelled_episode_stays_ended_while_its_alert_fires(sim: Simulation) -> None:
    sim.dies("grok")
    sim.receive(agent_down("grok"))
    assert sim.order("cancel", "grok", 7) is None, "this is not its episode"
    assert sim.order("cancel", "grok", 1) is not None
    sim.passes(60)
    sim.receive(agent_down("grok"))
    sim.passes(60)
    assert sim.driver.calls == []
    assert sim.states() == {"grok": "failed"}
    assert sim.order("cancel", "grok", 1) is None, "it has ended"

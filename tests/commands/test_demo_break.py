"""`nervesys demo break`: what is printed while an agent goes wrong."""

from collections.abc import Iterator
from itertools import chain, repeat
from types import SimpleNamespace
from typing import Any

import pytest

from commands import demo_break
from commands.demo_break import EXPECTED, WATCHDOG, steps
from nervesys.agent.demo_faults import Fault
from nervesys.errors import NervesysError
from tests.alerting.receiver.simulation import shipped_alerts


def alert(name: str, state: str = "firing", **labels: str) -> dict[str, Any]:
    return {"state": state, "labels": {"alertname": name, **labels}}


def a_stack(monkeypatch: pytest.MonkeyPatch, alerts: list[list[dict[str, Any]]], states: list[str]) -> Any:
    """A stack whose alerts and newest action change from look to look."""
    looks: Iterator[list[dict[str, Any]]] = chain(alerts, repeat(alerts[-1]))
    rows = chain(states, repeat(states[-1])) if states else repeat("")

    def actions(*_: object, **wanted: str) -> list[dict[str, Any]]:
        state = next(rows)
        newest = {"id": 2, "state": state, "verdict": "act", "detail": wanted["action"]}
        return [newest, {"id": 1, "state": "recovered"}] if state else [{"id": 1, "state": "recovered"}]

    monkeypatch.setattr(demo_break, "actions", actions)
    monkeypatch.setattr(demo_break, "POLL_SECONDS", 0)
    web = SimpleNamespace(monitoring=SimpleNamespace(web=None))
    return SimpleNamespace(prometheus=SimpleNamespace(alerts=lambda: next(looks)), receiver="", settings=web)


def test_what_is_expected_exists() -> None:
    alerts = shipped_alerts()
    for expected in EXPECTED.values():
        found = alerts.named(expected.alert)
        assert found
        automatic = [action.auto_action for action in found.actions if action.auto_action]
        assert automatic == [name for name in (expected.action,) if name]
    assert EXPECTED.keys() == set(Fault)


def test_each_step_is_named_until_the_action_is_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    looping = alert("AgentLooping", agent="grok")
    quiet = [alert(WATCHDOG), alert("Old", agent="grok"), alert("AgentLooping", "pending", agent="grok")]
    here = a_stack(
        monkeypatch, [quiet, [*quiet, looping], [looping, alert("HighCPU", server="vm")]], ["", "running", "recovered"]
    )
    assert list(steps(here, "grok", Fault.LOOP, {("Old", "grok")}, {1}, 60)) == [
        "AgentLooping fires for grok",
        "restart_agent: running (act) restart_agent",
        "HighCPU fires for vm (not because of this)",
        "restart_agent: recovered (act) restart_agent",
    ]


def test_a_rate_limit_needs_no_action(monkeypatch: pytest.MonkeyPatch) -> None:
    here = a_stack(monkeypatch, [[alert("ModelRateLimited", model="grok-4")]], [])
    assert list(steps(here, "grok", Fault.RATE_LIMIT, set(), set(), 60)) == ["ModelRateLimited fires for grok-4"]


@pytest.mark.parametrize(
    ("alerts", "states", "problem"),
    [
        ([], [], "AgentStuck does not fire"),
        ([alert("AgentStuck", agent="grok")], [], "restart_agent is not begun"),
        ([alert("AgentStuck", agent="grok")], ["deferred"], "restart_agent is deferred"),
    ],
)
def test_what_does_not_come_in_time_is_an_error(
    monkeypatch: pytest.MonkeyPatch, alerts: list[dict[str, Any]], states: list[str], problem: str
) -> None:
    here = a_stack(monkeypatch, [alerts], states)
    with pytest.raises(NervesysError, match=problem):
        list(steps(here, "grok", Fault.TOOL_HANG, set(), {1}, 0.05))

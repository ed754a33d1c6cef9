"""Simulated faults: each is asked for once, and shows in the agent's state what its alert looks for."""

from collections.abc import Callable
from pathlib import Path

import pytest

from nervesys.agent import Agent, demo_faults
from nervesys.agent.demo_faults import FILE, HANG_LIMIT_SECONDS, Fault, ask_for, misbehave, take
from nervesys.agent.demo_spans import DemoSpans
from nervesys.agent.work import WorkDone
from nervesys.settings.prices import MILLION


class Enough(Exception):  # ends an endless fault
    """So much time has passed."""


def after(agent: Agent, fault: Fault, pauses: int, monkeypatch: pytest.MonkeyPatch) -> WorkDone:
    """What the agent reports within a fault, after so many pauses; nobody waits."""
    seen: list[WorkDone] = []

    def pause(_: float) -> None:
        seen.append(agent.work.snapshot())
        if len(seen) > pauses:
            raise Enough

    monkeypatch.setattr("nervesys.agent.demo_faults.time.sleep", pause)
    with pytest.raises(Enough):
        misbehave(agent, fault, DemoSpans(agent))
    return seen[-1]


def test_a_fault_is_asked_for_once(tmp_path: Path) -> None:
    assert take(tmp_path) is None
    ask_for(tmp_path, Fault.LOOP)
    assert (take(tmp_path), take(tmp_path)) == (Fault.LOOP, None)
    (tmp_path / FILE).write_text("explode")
    assert take(tmp_path) is None


def test_a_loop_repeats_one_action_and_uses_tokens(grok: Callable[[], Agent], monkeypatch: pytest.MonkeyPatch) -> None:
    done = after(grok(), Fault.LOOP, 12, monkeypatch)
    assert done.repeated
    assert done.repeated.times > 10
    assert done.tokens > 0


def test_what_overspends_does_not_repeat_itself(grok: Callable[[], Agent], monkeypatch: pytest.MonkeyPatch) -> None:
    done = after(grok(), Fault.OVERSPEND, 12, monkeypatch)
    assert done.tokens == 12 * demo_faults.DEAR_TASK / 6 * MILLION, "grok-4 costs 6 USD a million"
    assert done.repeated
    assert done.repeated.times == 1


def test_a_limited_agent_tries_again_and_fails_no_task(
    grok: Callable[[], Agent], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = after(grok(), Fault.RATE_LIMIT, 5, monkeypatch)
    assert done.current
    assert (done.current.retries, done.tasks.failed) == (6, 0)


def test_a_hanging_tool_shows_where_it_hangs(grok: Callable[[], Agent], monkeypatch: pytest.MonkeyPatch) -> None:
    done = after(grok(), Fault.TOOL_HANG, 5, monkeypatch)
    assert done.current
    assert (done.current.step, done.current.limit_seconds) == ("call the tool search", HANG_LIMIT_SECONDS)

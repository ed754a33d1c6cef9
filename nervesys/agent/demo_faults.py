"""Simulated faults of an agent that stays alive: it loops, overspends, meets a model's rate limit, or hangs in a tool.

`nervesys demo break` asks for one by a file in the agent's folder. The agent deletes it before it begins, so that a
restart ends the fault.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from nervesys.clock import system_clock
from nervesys.contract.logs import MAX_TOKENS
from nervesys.settings.prices import MILLION

if TYPE_CHECKING:  # the command that asks for a fault, and all of `nervesys demo`, need no agent
    from nervesys.agent.agent import Agent
    from nervesys.agent.demo_spans import DemoSpans
    from nervesys.agent.work import Task

FILE = "demo_fault"
PAUSE_SECONDS = 1.0
LOOP_TOKENS = 300
DEAR_TASK = 600.0
"""Cost of each task of an agent that overspends: more than the day's budget of the example at once."""
HANG_LIMIT_SECONDS = 45.0
LIMITED_SECONDS = 180.0
"""For how long the model refuses calls."""


class Fault(StrEnum):
    """What goes wrong."""

    LOOP = "loop"
    OVERSPEND = "overspend"
    RATE_LIMIT = "rate-limit"
    TOOL_HANG = "tool-hang"


def ask_for(folder: Path, fault: Fault) -> None:
    """Ask the demo agent with this folder for a fault; it begins after its current task."""
    (folder / FILE).write_text(fault)


def take(folder: Path) -> Fault | None:
    """The fault that was asked for, which is then asked for no more; None for none."""
    try:
        text = (folder / FILE).read_text()
    except OSError:
        return None
    (folder / FILE).unlink(missing_ok=True)
    with suppress(ValueError):
        return Fault(text.strip())
    return None


def misbehave(agent: "Agent", fault: Fault, spans: "DemoSpans") -> None:
    """Do it, most faults until the agent is stopped."""
    agent.log.warning("simulated fault: %s", fault)
    FAULTS[fault](agent, spans)


def _loop(agent: "Agent", spans: "DemoSpans") -> None:
    while True:
        with agent.task("search_web", query="the same question") as task:
            _ask(spans, task, LOOP_TOKENS)


def _overspend(agent: "Agent", spans: "DemoSpans") -> None:
    price = agent.me.settings.prices.price(agent.me.config.model or "", system_clock())
    tokens = min(round(DEAR_TASK / (price.mixed if price else 1) * MILLION), round(MAX_TOKENS))
    for number in count():
        with agent.task("plan_sprint", sprint=number) as task:
            _ask(spans, task, tokens)


def _ask(spans: "DemoSpans", task: "Task", tokens: int) -> None:
    with spans.step("ask the model", tokens, None):
        time.sleep(PAUSE_SECONDS)
    task.tokens = tokens


def _meet_rate_limit(agent: "Agent", spans: "DemoSpans") -> None:
    until = time.monotonic() + LIMITED_SECONDS
    with agent.task("ask_model") as task:
        while time.monotonic() < until:
            spans.refused()
            agent.log.warning("the model refused the call: 429 too many requests")
            agent.retry(task)
            time.sleep(PAUSE_SECONDS)


def _hang(agent: "Agent", _: "DemoSpans") -> None:
    with agent.task("search_web", limit_seconds=HANG_LIMIT_SECONDS, query="a question"):
        agent.progress("call the tool search")
        while True:
            time.sleep(PAUSE_SECONDS)


FAULTS: Mapping[Fault, Callable[["Agent", "DemoSpans"], None]] = {
    Fault.LOOP: _loop,
    Fault.OVERSPEND: _overspend,
    Fault.RATE_LIMIT: _meet_rate_limit,
    Fault.TOOL_HANG: _hang,
}

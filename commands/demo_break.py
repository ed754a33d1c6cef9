"""`nervesys demo break`: let an agent of the local stack go wrong without dying, and watch which alert names it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from commands.console import open_console
from commands.local import Local, local
from commands.options import Home
from nervesys.agent.demo_faults import Fault, ask_for
from nervesys.errors import NervesysError
from nervesys.stack.receiver import actions

POLL_SECONDS = 0.5
WATCHDOG = "Watchdog"


@dataclass(frozen=True)
class Expected:
    """What a fault leads to.

    Attributes:
        alert: its alertname.
        action: what the receiver does; empty for nothing.
    """

    alert: str
    action: str = ""


EXPECTED = {
    Fault.LOOP: Expected("AgentLooping", "restart_agent"),
    Fault.OVERSPEND: Expected("BudgetSpent", "stop_agent"),
    Fault.RATE_LIMIT: Expected("ModelRateLimited"),
    Fault.TOOL_HANG: Expected("AgentStuck", "restart_agent"),
}


def break_agent(
    agent: Annotated[str, typer.Argument(help="The agent, whose workload must be the demo.")],
    how: Annotated[Fault, typer.Option("--how", help="What goes wrong.")] = Fault.LOOP,
    home: Home = None,
    wait: Annotated[float, typer.Option(help="Longest time to wait for alert and action, in seconds.")] = 240,
) -> None:
    """Let an agent go wrong while its heartbeats go on, then print which alert names it and what is done about it.

    `loop`: it does the same thing over and over; restarted. `overspend`: it uses tokens for more than its budget;
    stopped, start it again from the receiver's page. `rate-limit`: its model refuses calls for three minutes.
    `tool-hang`: a tool never returns; restarted.

    Example: `nervesys demo break grok --how tool-hang`
    """
    out, here = open_console(highlight=False, soft_wrap=True), local(home)
    if agent not in here.stack.agents:
        raise NervesysError(f"break {agent}: no such agent; there are: {', '.join(here.stack.agents)}")
    if not here.processes()[agent].pid:
        raise NervesysError(f"break {agent}: it is not running; see `nervesys status`")
    start, before = time.monotonic(), _firing(here)
    seen = {row["id"] for row in _actions(here, agent, how)}
    ask_for(here.stack.home / "agents" / agent, how)
    out.print(f"  0 s  {agent}: {how} after its current task; expecting {EXPECTED[how].alert}")
    for event in steps(here, agent, how, before, seen, wait):
        out.print(f"{time.monotonic() - start:3.0f} s  {event}")


def steps(
    here: Local, agent: str, fault: Fault, before: set[tuple[str, str]], seen: set[int], seconds: float
) -> Iterator[str]:
    """Each alert that begins to fire, and each step of the action, until both are done.

    Args:
        here: the stack.
        agent: that goes wrong.
        fault: how.
        before: alerts that fired before.
        seen: ids of earlier actions.
        seconds: longest time.

    Raises:
        NervesysError: the alert does not fire, or its action does not end, in time.
    """
    expected, deadline, state, known = EXPECTED[fault], time.monotonic() + seconds, "", set(before)
    fired = False
    while not (fired and (not expected.action or state == "recovered")):
        if time.monotonic() > deadline:
            missing = f"{expected.action} is {state or 'not begun'}" if fired else f"{expected.alert} does not fire"
            raise NervesysError(f"break {agent}: {missing} after {seconds:.0f} s; see `nervesys logs receiver`")
        for name, subject in sorted(_firing(here) - known):
            known.add((name, subject))
            fired = fired or name == expected.alert
            yield f"{name} fires for {subject}" + ("" if name == expected.alert else " (not because of this)")
        newest = next((row for row in _actions(here, agent, fault) if row["id"] not in seen), None)
        if newest and newest["state"] != state:
            state = newest["state"]
            yield f"{expected.action}: {state} ({newest['verdict']}) {newest['detail']}".rstrip()
        time.sleep(POLL_SECONDS)


def _firing(here: Local) -> set[tuple[str, str]]:
    """Name and subject of each alert that fires."""
    return {
        (labels["alertname"], labels.get("agent") or labels.get("model") or labels.get("server") or "the stack")
        for alert in here.prometheus.alerts()
        if alert["state"] == "firing" and (labels := alert["labels"])["alertname"] != WATCHDOG
    }


def _actions(here: Local, agent: str, fault: Fault) -> list[dict[str, Any]]:
    action = EXPECTED[fault].action
    return actions(here.receiver, here.settings.monitoring.web, agent=agent, action=action) if action else []

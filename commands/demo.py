"""`nervesys demo`: break something in the local stack, and watch what happens."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.console import open_console
from commands.demo_break import break_agent
from commands.local import Local, local
from commands.options import BrainUrl, Home, open_settings
from nervesys.clock import system_clock
from nervesys.errors import NervesysError
from nervesys.plural import count
from nervesys.stack import vital_signs
from nervesys.stack.receiver import actions
from nervesys.stack.status import RESTART
from nervesys.stores.open_stores import open_store

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(no_args_is_help=True)

app.command("break")(break_agent)
POLL_SECONDS = 0.5
ALERT, INACTIVE = "AgentDown", "inactive"
Name = Annotated[str | None, typer.Argument(help="The agent; default: the first one that runs.")]


@app.command()
def kill(agent: Name = None, home: Home = None) -> None:
    """Kill an agent with SIGKILL, as a crash would. Only the receiver restarts it."""
    out, here = _console(), local(home)
    name, pid = _kill(here, agent)
    wait = here.settings.thresholds.heartbeat.down_after_seconds
    out.print(f"Killed {name} (process {pid}). In about {wait:.0f} s AgentDown fires and the receiver restarts it.")
    out.print(f"Watch: nervesys status, {here.stack.service('receiver').url}")


@app.command()
def heal(
    agent: Name = None,
    home: Home = None,
    wait: Annotated[float, typer.Option(help="Longest time to wait for the recovery, in seconds.")] = 240,
) -> None:
    """Kill an agent, then print each step until it is healed: alert, restart, proof, alert resolved."""
    out, here = _console(), local(home)
    start = time.monotonic()
    name, pid = _kill(here, agent)
    out.print(f"  0 s  killed {name} (process {pid})")
    for event in recovery_steps(here, name, wait):
        out.print(f"{time.monotonic() - start:3.0f} s  {event}")


def recovery_steps(here: Local, agent: str, seconds: float) -> Iterator[str]:
    """Each step of a killed agent's recovery as it happens, until the alert is resolved.

    Raises:
        NervesysError: it does not recover in time.
    """
    before = {action["id"] for action in _restarts(here, agent)}
    deadline, last_state, alert = time.monotonic() + seconds, "", INACTIVE
    while last_state != "recovered" or alert != INACTIVE:
        if time.monotonic() > deadline:
            raise NervesysError(f"heal {agent}: not recovered within {seconds:.0f} s; see `nervesys logs receiver`")
        now = _alert(here, agent)
        if now != alert:
            yield f"alert {ALERT}: {now}"
        newest = next((action for action in _restarts(here, agent) if action["id"] not in before), None)
        state = newest["state"] if newest else ""
        if newest and state != last_state:
            yield f"restart: {state} ({newest['verdict']}) {newest['detail']}".rstrip()
        alert, last_state = now, state
        time.sleep(POLL_SECONDS)
    yield f"{agent} has recovered: a new instance is running, and the alert is resolved"


@app.command()
def load(
    seconds: Annotated[float, typer.Option(help="How long.")] = 150,
) -> None:
    """Keep every processor busy, so that the alert High CPU fires and resolves again."""
    out = _console()
    processes = os.cpu_count() or 1
    cores = count(processes, "processor")
    workers = [multiprocessing.Process(target=_burn, args=(seconds,), daemon=True) for _ in range(processes)]
    out.print(f"Keeping {cores} busy for {seconds:.0f} s; Ctrl-C stops it. HighCPU fires after a minute.")
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


@app.command()
def pulse(home: Home = None, brain: BrainUrl = None) -> None:
    """Write made-up vital signs of two entities to the store, until SIGTERM or Ctrl-C. `up` runs this."""
    settings = open_settings("pulse", home=home, brain=brain).loaded.settings
    storj, every = settings.storage.storj, settings.thresholds.heartbeat.interval_seconds
    for problem in vital_signs.write_signs(open_store(storj), storj.paths.vitality, every, system_clock):
        _console().print(problem)


def _console() -> "Console":
    return open_console(highlight=False, soft_wrap=True)


def _burn(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def _kill(here: Local, agent: str | None) -> tuple[str, int]:
    processes = here.processes()
    running = [name for name in here.stack.agents if processes[name].pid]
    if agent is not None and agent not in here.stack.agents:
        raise NervesysError(f"kill {agent}: no such agent; there are: {', '.join(here.stack.agents)}")
    name = agent or next(iter(running), None)
    if name is None or name not in running:
        raise NervesysError(f"kill {name or 'an agent'}: it is not running; see `nervesys status`")
    os.kill(processes[name].pid, signal.SIGKILL)
    return name, processes[name].pid


def _alert(here: Local, agent: str) -> str:
    mine = [
        alert["state"]
        for alert in here.prometheus.alerts()
        if alert["labels"]["alertname"] == ALERT and alert["labels"].get("agent") == agent
    ]
    return mine[0] if mine else INACTIVE


def _restarts(here: Local, agent: str) -> list[dict[str, Any]]:
    return actions(here.receiver, here.settings.monitoring.web, agent=agent, action=RESTART)

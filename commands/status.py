"""`nervesys status`: the state of every service and agent of the local stack."""

from collections.abc import Callable
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from commands.local import Local, local
from commands.options import Home
from commands.typed import as_typed
from nervesys.clock import system_clock
from nervesys.contract import PathTemplate
from nervesys.errors import StoreUnavailable
from nervesys.settings.storage import StoreSettings
from nervesys.stack.layout import NoStack
from nervesys.stack.receiver import ReceiverUnavailable, actions
from nervesys.stack.status import RESTART, StackStatus, heartbeat_ages, status_of
from nervesys.stores.open_stores import open_store

Result = TypeVar("Result")

app = typer.Typer()
COLOURS = {"running": "green", "starting": "yellow", "recovered": "green", "escalated": "red"}


@app.command()
def status(home: Home = None, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show every service and agent of the local stack; exit 1 if a service is not running."""
    found = collect_status(local(home))
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        _show(Console(), found, system_clock())
    if not found.works:
        raise typer.Exit(1)


def collect_status(here: Local) -> StackStatus:
    """Query supervisor, the store and the receiver; a failed query becomes a warning."""
    warnings: list[str] = []

    def try_query(query: Callable[[], Result]) -> Result | None:
        try:
            return query()
        except (NoStack, StoreUnavailable, ReceiverUnavailable) as err:
            warnings.append(str(err))
            return None

    processes = try_query(here.processes)
    ages = try_query(lambda: _heartbeat_ages(here.settings.storage.storj)) if processes else None
    journal = (
        try_query(lambda: actions(here.receiver, here.settings.monitoring.web, action=RESTART)) if processes else None
    )
    if here.settings.monitoring.deadman.url is None:
        warnings.append(
            "No dead man's switch: nothing outside detects that this whole machine has failed (set deadman.url)"
        )
    return status_of(here.stack, processes or {}, ages or {}, journal or [], warnings)


def _heartbeat_ages(store: StoreSettings) -> dict[str, float]:
    listing = open_store(store).list(PathTemplate(store.paths.agents).prefix())
    return heartbeat_ages(listing, store.paths.agents, system_clock())


def _show(out: Console, found: StackStatus, now: float) -> None:
    services = Table("service", "state", "since", "where", box=None, header_style="bold")
    for service in found.services:
        since = _ago(now - service.since) if service.since else ""
        services.add_row(service.name, _coloured(service.state), since, service.url or "")
    agents = Table("agent", "state", "heartbeat", "restarts", "last restart", box=None, header_style="bold")
    for agent in found.agents:
        age = "none seen" if agent.heartbeat_age_seconds is None else _ago(agent.heartbeat_age_seconds)
        last = agent.last_action
        action = f"{_coloured(last['state'])} {_ago(now - last['at'])}" if last else ""
        agents.add_row(agent.name, _coloured(agent.state), age, str(agent.restarts), action)
    out.print(services, "", agents)
    for warning in found.warnings:
        out.print(f"[yellow]![/] {as_typed(warning)}", soft_wrap=True)


def _coloured(state: str) -> str:
    return f"[{COLOURS.get(state, 'default')}]{state}[/]"


def _ago(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{max(0, seconds):.0f} s ago"

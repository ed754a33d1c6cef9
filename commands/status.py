"""`nervesys status`: the state of every service and agent of the local stack."""

from collections.abc import Callable
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from commands.local import Local, local
from commands.options import Home
from commands.typed import as_typed
from nervesys.clients.own_pages import PageUnavailable, get_page
from nervesys.clients.prometheus import Prometheus, QueryFailed
from nervesys.clock import system_clock
from nervesys.contract import PathTemplate
from nervesys.errors import StoreUnavailable
from nervesys.logs.visible import visible
from nervesys.settings.storage import StoreSettings
from nervesys.stack.layout import NoStack
from nervesys.stack.receiver import ReceiverUnavailable, actions
from nervesys.stack.status import RESTART, AgentReport, SourceStatus, StackStatus, heartbeat_ages, status_of
from nervesys.stores.open_stores import open_store

Result = TypeVar("Result")

app = typer.Typer()
SERVERS, STATUSES = "nervesys_agent_info", "nervesys_agent_status == 1"
"""Queries: a label of each result has the value."""
UNKNOWN = 10
"""Most agents that are shown and are not in the brain: whoever may write to the store can invent thousands."""
COLOURS = dict.fromkeys(("running", "ready", "recovered"), "green") | dict.fromkeys(("starting", "not ready"), "yellow")
COLOURS["escalated"] = "red"


@app.command()
def status(home: Home = None, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show every service of the stack, and every agent: those in the brain, and those with a heartbeat.

    Agents are shown wherever they run. Exits with 1 if a service is not running.
    """
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
        except (NoStack, StoreUnavailable, ReceiverUnavailable, PageUnavailable, QueryFailed) as err:
            warnings.append(str(err))
            return None

    processes = try_query(here.processes)
    ages = try_query(lambda: _heartbeat_ages(here.settings.storage.storj)) if processes else None
    journal = (
        try_query(lambda: actions(here.receiver, here.settings.monitoring.web, action=RESTART)) if processes else None
    )
    sources = try_query(lambda: _source_states(here)) if processes else None
    reports = try_query(lambda: _agent_reports(here.prometheus)) if processes else None
    if here.settings.monitoring.deadman.url is None:
        warnings.append(
            "No dead man's switch: nothing outside detects that this whole machine has failed (set deadman.url)"
        )
    return status_of(
        here.stack, processes or {}, here.fleet, ages or {}, reports or {}, journal or [], warnings, sources or ()
    )


def _source_states(here: Local) -> list[SourceStatus]:
    """The sources whose exporters share a process, as that process reports them."""
    web = here.settings.monitoring.web
    return [
        SourceStatus(name=name, problem=None if response.ok else response.text.strip()[:300])
        for service in here.stack.services
        for name in service.sources
        for response in [get_page(f"{web.url_of(str(service.address))}/-/ready/{name}", web)]
    ]


def _heartbeat_ages(store: StoreSettings) -> dict[str, float]:
    listing = open_store(store).list(PathTemplate(store.paths.agents).prefix())
    return heartbeat_ages(listing, store.paths.agents, system_clock())


def _agent_reports(prometheus: Prometheus) -> dict[str, AgentReport]:
    """Server and status of each agent, as its state object has them."""
    servers = {series.labels["agent"]: series.labels.get("server") for series in prometheus.instant(SERVERS)}
    statuses = {series.labels["agent"]: series.labels.get("status") for series in prometheus.instant(STATUSES)}
    return {name: AgentReport(servers.get(name), statuses.get(name)) for name in servers.keys() | statuses.keys()}


def _show(out: Console, found: StackStatus, now: float) -> None:
    services = Table("service", "state", "since", "where", box=None, header_style="bold")
    for service in found.services:
        since = _ago(now - service.since) if service.since else ""
        services.add_row(service.name, _coloured(service.state), since, service.url or "")
    for source in found.sources:
        state = _coloured("not ready" if source.problem else "ready")
        services.add_row(f"  {source.name}", state, "", escape(source.problem or ""))
    columns = ("agent", "server", "status", "process", "heartbeat", "restarts", "last restart")
    agents = Table(*columns, box=None, header_style="bold")
    unknown = [agent for agent in found.agents if not agent.configured]
    for agent in (*(agent for agent in found.agents if agent.configured), *unknown[:UNKNOWN]):
        age = "none seen" if agent.heartbeat_age_seconds is None else _ago(agent.heartbeat_age_seconds)
        last = agent.last_action
        action = f"{_coloured(last['state'])} {_ago(now - last['at'])}" if last else ""
        name = escape(visible(agent.name)) + ("" if agent.configured else " [yellow](not in the brain)[/]")
        state = _coloured(agent.state) if agent.state else "elsewhere"
        reported = (escape(visible(text or "")) for text in (agent.server, agent.status))
        agents.add_row(name, *reported, state, age, str(agent.restarts), action)
    out.print(services, "", agents)
    warnings = list(found.warnings)
    if (more := len(unknown) - UNKNOWN) > 0:
        warnings.insert(0, f"{more} more with a heartbeat are not in the brain; --json lists them")
    for warning in warnings:
        out.print(f"[yellow]![/] {escape(as_typed(warning))}", soft_wrap=True)


def _coloured(state: str) -> str:
    return f"[{COLOURS.get(state, 'default')}]{state}[/]"


def _ago(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{max(0, seconds):.0f} s ago"

"""`nervesys grafana`: put dashboards and alerts into a Grafana by its API."""

from dataclasses import replace
from typing import Annotated

import typer

from alerting.model import read_alerts
from commands.alerts import check_alerts
from commands.conditions import condition_compiler
from commands.grafana_objects import policies_route, resolve, wanted_objects
from commands.grafana_plan import GrafanaChange, plan
from commands.options import BrainUrl, Home, open_settings
from nervesys.clients.grafana import GrafanaApi
from nervesys.errors import NervesysError
from nervesys.plural import count
from nervesys.settings import Settings

app = typer.Typer(no_args_is_help=True)
SHOWN_LINES = 40
"""Of the diff of one object, unless all are asked for."""


@app.callback()
def _group() -> None:
    """Put dashboards and alerts into a Grafana, or a stack of Grafana Cloud, by its API."""


@app.command()
def push(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the changes, and make none.")] = False,
    secrets: Annotated[
        bool, typer.Option("--secrets", help="Write contact points again, for Grafana hides whether a secret changed.")
    ] = False,
    full: Annotated[bool, typer.Option("--full", help="Show every line of each difference.")] = False,
    home: Home = None,
    brain: BrainUrl = None,
) -> None:
    """Write folder, data sources and dashboards; with engine grafana also rules, contact points and policies.

    The address is `url` of config/grafana.yaml, the key GRAFANA_API_KEY. Shows what changes, and deletes only what an
    earlier push made.
    """
    start = open_settings("grafana", home=home, brain=brain, also=[read_alerts])
    folder = start.place.home / "secrets"
    api = _connect(start.loaded.settings)
    alerts = check_alerts(start.tree, start.loaded, secrets=None)
    wanted = wanted_objects(start.loaded, alerts, condition_compiler(start.loaded), folder)
    changes = plan(api, wanted, policies_route(start.loaded, alerts), secrets=secrets)
    ready = [
        replace(change, target=replace(change.target, content=resolve(change.target.content))) for change in changes
    ]
    for change, complete in zip(changes, ready, strict=True):
        _show(change, full=full)
        if not dry_run:
            _make(api, complete)
    made = sum(change.action != "keep" for change in changes)
    if not made:
        typer.echo(f"{api.url} is up to date")
    else:
        typer.echo(f"{count(made, 'change')} {'would be made' if dry_run else 'made'} at {api.url}")


def _connect(settings: Settings) -> GrafanaApi:
    if not settings.grafana.url:
        raise NervesysError("config/grafana.yaml names no Grafana: set `url` there, or GRAFANA_URL")
    if settings.grafana.api_key is None:
        raise NervesysError("Grafana's API needs a key: set GRAFANA_API_KEY to the token of a service account")
    return GrafanaApi(settings.grafana.url, settings.grafana.api_key.get_secret_value())


def _show(change: GrafanaChange, *, full: bool) -> None:
    why = ": it was not made by a push, and stays as it is" if change.action == "keep" else ""
    typer.echo(f"{change.action} {change.target}{why}")
    lines = change.diff if full else change.diff[:SHOWN_LINES]
    for line in lines:
        typer.echo(f"    {line}")
    if len(lines) < len(change.diff):
        typer.echo(f"    … {count(len(change.diff) - len(lines), 'more line')}; --full shows all")


def _make(api: GrafanaApi, change: GrafanaChange) -> None:
    match change.action:
        case "create":
            api.create(change.target)
        case "update":
            api.update(change.target)
        case "delete":
            api.delete(change.target)

"""`nervesys alerts`: check config/alerts.yaml, and generate rules and routes from it."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

import alerting
from alerting.generate.build import files, given_before, obsolete
from alerting.generate.check import World, mistakes
from alerting.generate.live import Asked, asked
from alerting.generate.rules import evaluated
from alerting.model import AlertsFile, read_alerts
from commands.explain import explain
from commands.families import families
from commands.generated import report, write
from commands.options import BrainUrl, Home, PrometheusUrl, Wait, opened
from commands.poll import settled
from commands.trial import follow_a_test
from nervesys.clients.prometheus import Prometheus
from nervesys.clients.promql import known_series
from nervesys.errors import SettingsError
from nervesys.metrics.periods import periods
from nervesys.settings import Loaded, Tree

app = typer.Typer(no_args_is_help=True)
app.command()(explain)
app.command("test")(follow_a_test)
IN_COMPOSE = Path("/secrets/receiver")
"""Folder in which Alertmanager finds the receiver's token under Docker Compose."""


@app.command()
def build(
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("provisioning"),
    secrets: Annotated[
        Path, typer.Option(help="Folder of the secrets, as Alertmanager or Grafana sees it.")
    ] = IN_COMPOSE,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if a file is out of date.")] = False,
    home: Home = None,
    brain: BrainUrl = None,
) -> None:
    """Write the configuration of Prometheus, Alertmanager and Grafana: scrape targets, rules and routes."""
    one = opened("alerts", home=home, brain=brain, also=[read_alerts])
    alerts = checked(one.tree, one.loaded, secrets=None)
    wanted = files(one.loaded.settings, alerts, secrets, one.loaded.own_thresholds, given_before(out))
    report(Console(), write(out, wanted, check=check, obsolete=obsolete(wanted)), check=check)


@app.command()
def check(
    live: Annotated[bool, typer.Option("--live", help="Also query a running Prometheus for every series.")] = False,
    prometheus: PrometheusUrl = None,
    wait: Wait = 0,
    home: Home = None,
    brain: BrainUrl = None,
) -> None:
    """Check config/alerts.yaml: conditions, units, metric names, windows, channels and actions.

    Every error is reported with file and line. With --live, exits with 1 if an alert needs a series that Prometheus
    does not have.
    """
    one = opened("alerts", home=home, brain=brain, also=[read_alerts])
    alerts = checked(one.tree, one.loaded, secrets=one.place.home / "secrets")
    settings = one.loaded.settings
    rules = evaluated(settings, alerts, one.loaded.own_thresholds)
    channels = [name for name, channel in alerts.channels.items() if channel.enabled]
    out = Console()
    out.print(f"[green]The alerts are right[/]: {len(alerts.alerts)} alerts make {len(rules)} rules.")
    out.print(f"They tell {', '.join(channels) or 'nobody yet: no channel is enabled'}.")
    if live:
        there = Prometheus(prometheus or settings.monitoring.prometheus_url)
        _tell_live(out, settled(lambda: list(asked(there, rules)), lambda answer: answer.fine, wait))


def _tell_live(out: Console, answers: Sequence[Asked]) -> None:
    """Say what is not there; exit 1 where it must be."""
    for answer in answers:
        if not answer.there:
            what = f"[yellow]absent[/], as may be ({answer.reason})" if answer.reason else "[red]absent[/]"
            out.print(f"{what}: {escape(answer.selector)}, for {', '.join(answer.alerts)}", soft_wrap=True)
    missing = sum(not answer.fine for answer in answers)
    out.print(f"{len(answers)} selectors asked for, {missing} without the series they need.")
    if missing:
        raise typer.Exit(1)


def checked(tree: Tree, loaded: Loaded, secrets: Path | None) -> AlertsFile:
    """The alerts of a brain, right in every respect.

    Args:
        tree: the brain.
        loaded: its settings.
        secrets: folder in which the files that channels name must lie; None to leave that out.

    Raises:
        SettingsError: with every mistake.
    """
    alerts, document = read_alerts(tree)
    dashboards = import_module("dashboards.build").pages(loaded)
    world = World(
        known=known_series(families()),
        of_receiver=[family.full_name for family in alerting.FAMILIES],
        periods=periods(loaded),
        dashboards=[page["uid"] for page in dashboards],
        secrets=secrets,
        own=loaded.own_thresholds,
    )
    found = mistakes(alerts, document.origin, loaded.settings, world)
    if found:
        raise SettingsError(found)
    return alerts

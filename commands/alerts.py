"""`nervesys alerts`: check config/alerts.yaml, and generate rules and routes from it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

import alerting
from alerting.generate.approval_check import approval_warnings
from alerting.generate.build import files, obsolete, read_provisioned_uids
from alerting.generate.check import AlertCheckContext, find_mistakes
from alerting.generate.live import SelectorResult, check_selectors, find_refused_rules, optional_selectors
from alerting.generate.rules import Rule, evaluated_rules
from alerting.model import AlertsFile, read_alerts
from commands.check_result import AsJson, checked, revision
from commands.conditions import condition_compiler
from commands.explain import explain
from commands.families import families, optional_areas
from commands.generated import report, write
from commands.options import BrainUrl, Home, PrometheusUrl, Wait, open_settings
from commands.poll import poll_until
from commands.trial import follow_a_test
from nervesys.clients.prometheus import Prometheus, QueryFailed
from nervesys.clients.promql import known_series
from nervesys.errors import NervesysError, SettingsError
from nervesys.metrics.periods import periods
from nervesys.plural import count
from nervesys.settings import Loaded, Settings, StartupSettings, Tree
from nervesys.stack.readers import check_by_readers

app = typer.Typer(no_args_is_help=True)
app.command()(explain)
app.command("test")(follow_a_test)
PARSE_SECONDS = 5
"""For each rule that a running Prometheus parses."""
IN_COMPOSE = Path("/secrets/receiver")
"""Folder in which Alertmanager finds the receiver's token under Docker Compose."""


@app.command()
def build(
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("provisioning"),
    secrets: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the secrets, as Alertmanager or Grafana sees it (default: `secrets` of NERVESYS_HOME; with "
            f"the profile compose, {IN_COMPOSE})."
        ),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if a file is out of date.")] = False,
    home: Home = None,
    brain: BrainUrl = None,
) -> None:
    """Write the configuration of Prometheus, Alertmanager and Grafana: scrape targets, rules and routes.

    promtool and amtool check the files before they replace those that are there; a program that is not on this machine
    is named. Files that other machines read need `--secrets`.
    """
    start = open_settings("alerts", home=home, brain=brain, also=[read_alerts])
    alerts = check_alerts(start.tree, start.loaded, secrets=None)
    secrets = secrets or (IN_COMPOSE if _in_compose(start.place) else start.place.home / "secrets")
    compiler = condition_compiler(start.loaded)
    wanted = files(compiler, alerts, secrets, read_provisioned_uids(out))
    missing = check_by_readers(wanted, start.place.home / "programs")
    parsed_by = ""
    if "promtool" in missing:
        parsed_by = _checked_by_prometheus(start.loaded.settings, evaluated_rules(compiler, alerts))
    changed = write(out, wanted, check=check, obsolete=obsolete(wanted))
    for program in missing:
        by_prometheus = f"the Prometheus at {parsed_by} has parsed the rules" if parsed_by else ""
        problem = (program == "promtool" and by_prometheus) or "nothing has checked its file"
        typer.echo(f"warning: {program} is not on this machine; {problem}", err=True)
    report(Console(), changed, check=check)


def _checked_by_prometheus(settings: Settings, rules: Sequence[Rule]) -> str:
    """Have the configured Prometheus parse the rules; returns its URL, or nothing if it does not respond.

    Raises:
        NervesysError: it refuses a rule.
    """
    url = settings.monitoring.prometheus_url
    try:
        refused = find_refused_rules(Prometheus(url, timeout_seconds=PARSE_SECONDS), rules)
    except QueryFailed:
        return ""
    if refused:
        raise NervesysError("\n".join(f"{rule.alert}: {rule.problem}" for rule in refused))
    return url


def _in_compose(place: StartupSettings) -> bool:
    return "compose" in (place.profile or "").split(",")


@app.command()
def check(
    live: Annotated[bool, typer.Option("--live", help="Also query a running Prometheus for every series.")] = False,
    prometheus: PrometheusUrl = None,
    wait: Wait = 0,
    as_json: AsJson = False,
    home: Home = None,
    brain: BrainUrl = None,
) -> None:
    """Check config/alerts.yaml: conditions, units, metric names, windows, channels and actions.

    Every error is reported with file and line. With --live, exits with 1 if an alert needs a series that Prometheus
    does not have.
    """
    with checked(as_json) as result:
        start = open_settings("alerts", home=home, brain=brain, also=[read_alerts], checkout=True)
        secrets = start.place.home / "secrets"
        result.revision = revision(start.tree)
        alerts = check_alerts(start.tree, start.loaded, secrets=secrets)
        origin = read_alerts(start.tree)[1].origin
        warnings = list(approval_warnings(alerts, origin, start.loaded.settings, secrets))
        result.warnings = [*start.loaded.warnings, *warnings]
        rules = evaluated_rules(condition_compiler(start.loaded), alerts)
        channels = list(alerts.enabled)
        result.details = {"alerts": [alert.name for alert in alerts.alerts], "rules": len(rules), "channels": channels}
    settings, out = start.loaded.settings, Console(stderr=as_json)
    if start.place.brain and result.revision:
        out.print(f"brain: {escape(start.place.brain)}, {result.revision}", soft_wrap=True, highlight=False)
    for warning in warnings:
        out.print(f"[yellow]warning[/] {escape(str(warning))}", soft_wrap=True, highlight=False)
    out.print(
        f"[green]The alerts are valid[/]: {count(len(alerts.alerts), 'alert')}, {count(len(rules), 'rule')} generated."
    )
    out.print(f"Notified channels: {', '.join(channels) or 'none; no channel is enabled'}.")
    if live:
        client = Prometheus(prometheus or settings.monitoring.prometheus_url)
        optional = optional_selectors(families(), optional_areas())
        answers = poll_until(lambda: list(check_selectors(client, rules, optional)), lambda answer: answer.fine, wait)
        _print_live(out, answers)


def _print_live(out: Console, answers: Sequence[SelectorResult]) -> None:
    """Print the series that are missing; exit 1 if one is required."""
    for answer in answers:
        if not answer.there:
            what = f"[yellow]absent[/] (optional: {answer.reason})" if answer.reason else "[red]absent[/]"
            out.print(f"{what}: {escape(answer.selector)}, for {', '.join(answer.alerts)}", soft_wrap=True)
    missing = sum(not answer.fine for answer in answers)
    out.print(f"{count(len(answers), 'selector')} queried, {missing} without the required series.")
    if missing:
        raise typer.Exit(1)


def check_alerts(tree: Tree, loaded: Loaded, secrets: Path | None) -> AlertsFile:
    """Read the alerts of a brain, and check them completely.

    Args:
        tree: the brain.
        loaded: its settings.
        secrets: folder that must contain the files that channels name; None to skip this check.

    Raises:
        SettingsError: lists every error.
    """
    alerts, document = read_alerts(tree)
    from dashboards.build import pages  # needs the extra `reports`, which `alerts explain` does not
    from dashboards.slo_rules import slo_series

    world = AlertCheckContext(
        known={**known_series(families()), **slo_series()},
        of_receiver=[family.full_name for family in alerting.FAMILIES],
        periods=periods(loaded),
        dashboards=[page["uid"] for page in pages(loaded)],
        secrets=secrets,
        compiler=condition_compiler(loaded),
    )
    found = find_mistakes(alerts, document.origin, world)
    if found:
        raise SettingsError(found)
    return alerts

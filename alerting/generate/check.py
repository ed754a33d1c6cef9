"""Checks the content of config/alerts.yaml; each mistake has file and line.

Names in it are compared with an `AlertCheckContext`: the families of all programs, dashboards, and files of secrets.
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from alerting.conditions.compile import ConditionCompiler
from alerting.conditions.language import Comparison, parse_condition
from alerting.generate.rules import Rule, outline_of, rules_of
from alerting.generate.template_check import template_problems
from alerting.messages.message import is_own_secret
from alerting.model import (
    Alert,
    AlertsFile,
    Channel,
    EmailChannel,
    SlackChannel,
    TelegramChannel,
    WebhookChannel,
)
from alerting.overlay import WATCHDOG
from nervesys.clients.promql import KnownSeries, Selection, problems, selections
from nervesys.errors import SettingsProblem
from nervesys.metrics.periods import Periods
from nervesys.settings.check import suggest
from nervesys.settings.loader import SHIPPED

Findings = Iterator[tuple[str, str]]
"""Key and problem."""


@dataclass(frozen=True)
class AlertCheckContext:
    """What alerts are checked against.

    Attributes:
        known: every series that may be asked for, by its exposed name.
        of_receiver: those among them that the receiver itself exposes.
        periods: in seconds.
        dashboards: uids of the pages that alerts may link to.
        compiler: of their conditions.
        secrets: folder of the secrets; None where they lie elsewhere and cannot be looked at.
    """

    known: Mapping[str, KnownSeries]
    of_receiver: Collection[str]
    periods: Periods
    dashboards: Collection[str]
    secrets: Path | None
    compiler: ConditionCompiler


def find_mistakes(
    alerts: AlertsFile, origin: Callable[[tuple[str, ...]], str], context: AlertCheckContext
) -> list[SettingsProblem]:
    """All mistakes.

    Args:
        alerts: the file, right in its form.
        origin: file and line of a path within it.
        context: the names that it may refer to.
    """
    found = [
        SettingsProblem(origin(("channels", name, key)), f"channels.{name}.{key}", problem)
        for name, channel in alerts.channels.items()
        for key, problem in _check_channel(channel, context)
    ]
    found += [
        SettingsProblem(origin(("intervals", name)), f"intervals.{name}", problem)
        for name, problem in _check_intervals(alerts, origin)
    ]
    for index, alert in enumerate(alerts.alerts):
        found += [
            SettingsProblem(origin(("alerts", str(index), key)), f"{alert.name}, {key}", problem)
            for key, problem in _check_alert(alert, alerts, context)
        ]
    if alerts.named(WATCHDOG) is None:
        found.append(
            SettingsProblem(
                origin(("alerts",)), "alerts", f"{WATCHDOG} is missing: an outage of the monitoring would go unnoticed"
            )
        )
    return found


def _check_intervals(alerts: AlertsFile, origin: Callable[[tuple[str, ...]], str]) -> Findings:
    """A group that no alert is in; of the shipped ones, a fleet may have disabled all alerts."""
    groups = {alert.group for alert in alerts.alerts}
    for name in alerts.intervals.keys() - groups:
        if not origin(("intervals", name)).startswith(SHIPPED):
            yield name, f"no alert has the group {name!r}; {suggest(name, groups)}"


def _check_alert(alert: Alert, alerts: AlertsFile, context: AlertCheckContext) -> Findings:
    key = "condition" if alert.expr is None else "expr"
    try:
        rules = rules_of(alert, context.compiler)
        selected = [selection for rule in rules if rule.expr for selection in selections(rule.expr)]
    except ValueError as err:
        yield key, str(err)
        return
    wrong = [
        problem + (_name_settings(alert, selection, context) if rule == "window" else "")
        for selection in selected
        for rule, problem in problems(selection, context.known, context.periods)
    ]
    yield from ((key, problem) for problem in dict.fromkeys(wrong))
    yield from _check_actions(
        alert, alerts, rules[0], {selection.name for selection in selected} & set(context.of_receiver)
    )
    yield from _check_inhibitions(alert, alerts, context.compiler, rules[0])
    for key in ("summary", "description"):
        yield from ((key, problem) for problem in template_problems(getattr(alert, key), rules[0].by))
        if alerts.engine == "grafana" and "${" in getattr(alert, key):
            yield key, "Grafana takes `${` for the name of a variable of its own; write `$` without the brace"
    if alert.dashboard not in context.dashboards:
        yield "dashboard", f"unknown dashboard {alert.dashboard!r}; {suggest(alert.dashboard, context.dashboards)}"


def _name_settings(alert: Alert, selection: Selection, context: AlertCheckContext) -> str:
    """The thresholds that a window comes from, for a message; empty where the alert itself gives the window."""
    window = selection.window
    clauses = parse_condition(alert.condition).clauses if alert.condition else ()
    if window is None or alert.expr or any(isinstance(each, Comparison) and each.window == window for each in clauses):
        return ""
    keys = context.compiler.settings.thresholds.keys_of(window)
    return f"; {window:g} s is thresholds.{keys}" if keys else ""


def _check_actions(alert: Alert, alerts: AlertsFile, rule: Rule, from_receiver: Collection[str]) -> Findings:
    for name in alert.channels:
        if name not in alerts.channels:
            yield "actions", f"unknown channel {name!r}; {suggest(name, alerts.channels)}"
    automatic = [action.auto_action for action in alert.actions if action.auto_action]
    if automatic and "agent" not in rule.by:
        yield "actions", f"{automatic[0]} needs an alert with the label agent; this one can notify, log_to and analyze"
    if automatic and from_receiver:
        own = min(from_receiver)
        yield "actions", f"{automatic[0]} on {own}, which the receiver itself exposes, would trigger itself"


def _check_inhibitions(alert: Alert, alerts: AlertsFile, compiler: ConditionCompiler, rule: Rule) -> Findings:
    names = {other.name: other for other in alerts.alerts}
    for name in alert.inhibits:
        if name not in names:
            yield "inhibits", f"unknown alert {name!r}; {suggest(name, names)}"
            continue
        try:
            labels = set(outline_of(names[name], compiler).by)
        except ValueError:
            continue  # reported where its condition is checked
        if not labels & set(rule.by):
            yield "inhibits", f"{name} shares no label with {alert.name}, so all of it would be muted"


def _check_channel(channel: Channel, context: AlertCheckContext) -> Findings:
    """Alertmanager starts without its secret files, and fails at the first notification."""
    files = _secret_files(channel) if channel.enabled else {}
    for key, file in files.items():
        if is_own_secret(file):
            yield key, f"{file} is no secret of a channel, which would send it away; name another file, in no folder"
    if context.secrets is None:
        return
    for key, file in files.items():
        path = context.secrets / file
        if not os.access(path, os.R_OK):
            yield key, f"{path} cannot be read; write the secret there, or set `enabled: false`"
        elif path.is_file() and not path.stat().st_size:
            yield key, f"{path} is empty; write the secret there, or set `enabled: false`"


def _secret_files(channel: Channel) -> dict[str, str]:
    match channel:
        case SlackChannel():
            return {"api_url_file": channel.api_url_file}
        case EmailChannel():
            return {"auth_password_file": channel.auth_password_file} if channel.auth_username else {}
        case WebhookChannel():
            return {"token_file": channel.token_file} if channel.token_file else {}
        case TelegramChannel():
            return {"bot_token_file": channel.bot_token_file}

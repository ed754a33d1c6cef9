"""Checks the content of config/alerts.yaml; each mistake has file and line.

Names in it are compared with a `World`: the families of all programs, the dashboards, the files of secrets.
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from alerting.conditions.compile import Own
from alerting.generate.rules import Rule, rules_of
from alerting.model import (
    WATCHDOG,
    Alert,
    AlertsFile,
    Channel,
    EmailChannel,
    SlackChannel,
    TelegramChannel,
    WebhookChannel,
)
from nervesys.clients.promql import KnownSeries, problems, selections
from nervesys.errors import SettingsProblem
from nervesys.metrics.periods import Periods
from nervesys.settings import Settings
from nervesys.settings.check import suggest

Found = Iterator[tuple[str, str]]
"""Key and problem."""


@dataclass(frozen=True)
class World:
    """What alerts are checked against.

    Attributes:
        known: every series that may be asked for, by its exposed name.
        of_receiver: those among them that the receiver itself exposes.
        periods: in seconds.
        dashboards: uids of the pages that alerts may link to.
        own: thresholds of agents that have some of their own.
        secrets: folder of the secrets; None where they lie elsewhere and cannot be looked at.
    """

    known: Mapping[str, KnownSeries]
    of_receiver: Collection[str]
    periods: Periods
    dashboards: Collection[str]
    secrets: Path | None
    own: Own


def mistakes(
    alerts: AlertsFile, origin: Callable[[tuple[str, ...]], str], settings: Settings, world: World
) -> list[SettingsProblem]:
    """All mistakes.

    Args:
        alerts: the file, right in its form.
        origin: file and line of a path within it.
        settings: thresholds and intervals.
        world: what the names in it may be.
    """
    found = [
        SettingsProblem(origin(("channels", name, key)), f"channels.{name}.{key}", problem)
        for name, channel in alerts.channels.items()
        for key, problem in _channel(channel, world)
    ]
    for index, alert in enumerate(alerts.alerts):
        found += [
            SettingsProblem(origin(("alerts", str(index), key)), f"{alert.name}, {key}", problem)
            for key, problem in _alert(alert, alerts, settings, world)
        ]
    if alerts.named(WATCHDOG) is None:
        found.append(
            SettingsProblem(origin(("alerts",)), "alerts", f"{WATCHDOG} is missing: nobody would notice the silence")
        )
    return found


def _alert(alert: Alert, alerts: AlertsFile, settings: Settings, world: World) -> Found:
    said_in = "condition" if alert.expr is None else "expr"
    try:
        rules = rules_of(alert, settings, world.own)
        asked = [selection for rule in rules if rule.expr for selection in selections(rule.expr)]
    except ValueError as err:
        yield said_in, str(err)
        return
    wrong = [problem for selection in asked for _, problem in problems(selection, world.known, world.periods)]
    yield from ((said_in, problem) for problem in dict.fromkeys(wrong))
    yield from _actions(alert, alerts, rules[0], {selection.name for selection in asked} & set(world.of_receiver))
    yield from _inhibitions(alert, alerts, settings, rules[0])
    for key in ("summary", "description"):
        if alerts.engine == "grafana" and "${" in getattr(alert, key):
            yield key, "Grafana takes `${` for the name of a variable of its own; write `$` without the brace"
    if alert.dashboard not in world.dashboards:
        yield "dashboard", f"unknown dashboard {alert.dashboard!r}; {suggest(alert.dashboard, world.dashboards)}"


def _actions(alert: Alert, alerts: AlertsFile, rule: Rule, from_receiver: Collection[str]) -> Found:
    for name in alert.channels:
        if name not in alerts.channels:
            yield "actions", f"unknown channel {name!r}; {suggest(name, alerts.channels)}"
    automatic = [action.auto_action for action in alert.actions if action.auto_action]
    if automatic and "agent" not in rule.by:
        yield "actions", f"{automatic[0]} needs an alert with the label agent; this one can notify, log_to and analyze"
    if automatic and from_receiver:
        own = min(from_receiver)
        yield "actions", f"{automatic[0]} on {own}, which the receiver itself exposes, would run in circles"


def _inhibitions(alert: Alert, alerts: AlertsFile, settings: Settings, rule: Rule) -> Found:
    names = {other.name: other for other in alerts.alerts}
    for name in alert.inhibits:
        if name not in names:
            yield "inhibits", f"unknown alert {name!r}; {suggest(name, names)}"
            continue
        try:
            labels = set(rules_of(names[name], settings)[0].by)
        except ValueError:
            continue  # said where it stands
        if not labels & set(rule.by):
            yield "inhibits", f"{name} shares no label with {alert.name}, so all of it would be muted"


def _channel(channel: Channel, world: World) -> Found:
    """Alertmanager starts without the files of its secrets, and fails when it first has something to say."""
    if not channel.enabled or world.secrets is None:
        return
    for key, file in _secret_files(channel).items():
        if not os.access(world.secrets / file, os.R_OK):
            yield key, f"{world.secrets / file} cannot be read; write the secret there, or set `enabled: false`"


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

"""Alertmanager's configuration: receivers, intervals and inhibitions.

Actions have a route of their own without `group_wait` and with a short `repeat_interval`: with the default of four
hours, an agent that dies a second time between two flushes would not be notified. The routes to people use the slow
intervals of the settings. Inhibitions and silences also hold alerts back from the receiver, so its safety does not rely
on them.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from alerting.conditions.compile import ConditionCompiler
from alerting.generate.messages import TITLE, message_text, whole_message
from alerting.generate.prometheus_config import BUCKET
from alerting.generate.rules import outline_of
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
from alerting.units import promql_duration
from nervesys.settings import Settings

RECEIVER_TOKEN = "receiver_token"  # noqa: S105  # the name of a file
"""File of the folder of secrets that holds the bearer token of the receiver."""
NOBODY, ACTIONS, DEADMAN = "nobody", "actions", "deadman"
"""Receivers that are always there; channels are named by people."""
ACTIONS_INTERVAL, ACTIONS_REPEAT = 15, 120
"""Upper limits of `group_interval` and `repeat_interval` of the route to the receiver, in seconds."""
PEOPLE_GROUP = ["alertname", "severity"]
ACTIONS_GROUP = ["alertname", "server", BUCKET]
"""Not by agent: thousands of groups cost Alertmanager a gigabyte, and its webhooks time out."""


def alertmanager_config(compiler: ConditionCompiler, alerts: AlertsFile, secrets: Path) -> dict[str, Any]:
    """The content of alertmanager.yml.

    Args:
        compiler: of the alerts' conditions; its settings have the addresses and intervals.
        alerts: the alerts and their channels.
        secrets: folder in which relative names of secret files lie.
    """
    settings = compiler.settings
    return {
        "route": {
            "receiver": NOBODY,
            "group_by": PEOPLE_GROUP,
            **pace(settings),
            "routes": list(routes(settings, alerts, _matching)),
        },
        "inhibit_rules": list(_inhibitions(compiler, alerts.alerts)),
        "receivers": [
            {"name": NOBODY},
            {"name": ACTIONS, "webhook_configs": list(_to_receivers(settings, secrets))},
            {"name": DEADMAN, "webhook_configs": [*_to_receivers(settings, secrets), *_to_outside(settings)]},
            *({"name": name, **_integration(settings, channel, secrets)} for name, channel in alerts.enabled.items()),
        ],
    }


def posted_config(settings: Settings, alerts: AlertsFile, secrets: Path) -> dict[str, Any]:
    """The content of alertmanager.yml where Grafana evaluates: it notifies of alerts that are posted, and of no others.

    Grafana cannot know those, such as the verdict of a language model; of all others it notifies by itself.

    Args:
        settings: addresses and intervals.
        alerts: the alerts and their channels.
        secrets: folder in which relative names of secret files lie.
    """
    posted = alerts.model_copy(update={"alerts": tuple(alert for alert in alerts.alerts if alert.posted)})
    wanted = [route for route in routes(settings, posted, _matching) if route["receiver"] != DEADMAN]
    names = {route["receiver"] for route in wanted}
    return {
        "route": {"receiver": NOBODY, "group_by": PEOPLE_GROUP, **pace(settings), "routes": wanted},
        "receivers": [
            {"name": NOBODY},
            *(
                [{"name": ACTIONS, "webhook_configs": list(_to_receivers(settings, secrets))}]
                if ACTIONS in names
                else []
            ),
            *(
                {"name": name, **_integration(settings, channel, secrets)}
                for name, channel in alerts.enabled.items()
                if name in names
            ),
        ],
    }


def pace(settings: Settings) -> dict[str, str]:
    """The intervals of the routes to people."""
    timing = settings.monitoring.alertmanager
    return {
        "group_wait": promql_duration(timing.group_wait_seconds),
        "group_interval": promql_duration(timing.group_interval_seconds),
        "repeat_interval": promql_duration(timing.repeat_interval_seconds),
    }


def routes(
    settings: Settings, alerts: AlertsFile, matching: Callable[[Iterable[str]], dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """The child routes. Those with `continue` let the next ones match too: an alert may go to several receivers.

    Args:
        settings: intervals.
        alerts: the alerts and their channels.
        matching: makes the matchers for these names of alerts.
    """
    every = settings.monitoring.prometheus.evaluation_interval_seconds
    yield {
        "receiver": DEADMAN,
        **matching([WATCHDOG]),
        "group_wait": "0s",
        "group_interval": "30s",
        "repeat_interval": "1m",
    }
    acting = [alert.alertname for alert in alerts.alerts if alert.acts]
    if acting:
        yield {
            "receiver": ACTIONS,
            **matching(acting),
            "continue": True,
            "group_by": ACTIONS_GROUP,
            "group_wait": "0s",
            "group_interval": promql_duration(min(ACTIONS_INTERVAL, 2 * every)),
            "repeat_interval": promql_duration(min(ACTIONS_REPEAT, 8 * every)),
        }
    for channel in alerts.enabled:
        names = [alert.alertname for alert in alerts.alerts if channel in alert.channels]
        if names:
            yield {"receiver": channel, **matching(names), "continue": True}


def _inhibitions(compiler: ConditionCompiler, alerts: Iterable[Alert]) -> Iterator[dict[str, Any]]:
    """Critical hides warning of the same alert; an alert hides those it names. `equal` holds labels that both carry.

    A label that is missing from both sides counts as equal, and would mute everything. A test hides nothing.
    """
    real = 'nervesys_test != "true"'
    outlines = {alert.name: (alert, outline_of(alert, compiler)) for alert in alerts}
    for alert, outline in outlines.values():
        name = f'alertname = "{alert.alertname}"'
        if len(outline.severities) > 1:
            yield {
                "source_matchers": [name, 'severity = "critical"', real],
                "target_matchers": [name, 'severity = "warning"'],
                "equal": list(outline.by),
            }
        for hidden in alert.inhibits:
            target, target_outline = outlines[hidden]
            yield {
                "source_matchers": [name, real],
                "target_matchers": [f'alertname = "{target.alertname}"'],
                "equal": [label for label in outline.by if label in target_outline.by],
            }


def _matching(names: Iterable[str]) -> dict[str, Any]:
    """A matcher of alert names, quoted so that every release parses it alike."""
    return {"matchers": [f'alertname =~ "{"|".join(names)}"']}


def receiver_urls(settings: Settings) -> tuple[str, ...]:
    """Where the receivers take webhooks; several share one journal, which keeps each alert once."""
    return tuple(settings.monitoring.web.url_of(address) for address in settings.monitoring.receivers)


def _to_receivers(settings: Settings, secrets: Path) -> Iterator[dict[str, Any]]:
    """One webhook for each receiver: the loss of one delays nothing."""
    web = settings.monitoring.web
    trust = {"tls_config": {"ca_file": web.tls_cert_file}} if web.tls_cert_file else {}
    token = {"type": "Bearer", "credentials_file": str(secrets / RECEIVER_TOKEN)}
    for url in receiver_urls(settings):
        yield {
            "url": f"{url}/api/v1/alertmanager",
            "send_resolved": True,
            "http_config": {"authorization": token, **trust},
        }


def _to_outside(settings: Settings) -> Iterator[dict[str, Any]]:
    if settings.monitoring.deadman.url:
        yield {"url": settings.monitoring.deadman.url, "send_resolved": False}


def _integration(settings: Settings, channel: Channel, secrets: Path) -> dict[str, Any]:
    """A channel as Alertmanager writes it."""
    match channel:
        case SlackChannel():
            slack = {"api_url_file": str(secrets / channel.api_url_file), "channel": channel.channel}
            message = {"send_resolved": True, "title": TITLE, "text": message_text(settings)}
            return {"slack_configs": [{**slack, **message}]}
        case EmailChannel():
            return {"email_configs": [_email(settings, channel, secrets)]}
        case TelegramChannel():
            bot = {"bot_token_file": str(secrets / channel.bot_token_file), "chat_id": channel.chat_id}
            message = {"send_resolved": True, "parse_mode": "", "message": whole_message(settings)}
            return {"telegram_configs": [{**bot, **message}]}
        case WebhookChannel():
            token = channel.token_file and {"type": "Bearer", "credentials_file": str(secrets / channel.token_file)}
            return {
                "webhook_configs": [
                    {
                        "url": channel.url,
                        "send_resolved": True,
                        **({"http_config": {"authorization": token}} if token else {}),
                    }
                ]
            }


def _email(settings: Settings, channel: EmailChannel, secrets: Path) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "to": channel.to,
        "from": channel.sender,
        "smarthost": channel.smarthost,
        "require_tls": channel.require_tls,
        "send_resolved": True,
        "headers": {"Subject": TITLE},
        "text": message_text(settings),
        "html": "",
    }
    if channel.auth_username:
        password = str(secrets / channel.auth_password_file)
        parts |= {"auth_username": channel.auth_username, "auth_password_file": password}
    return parts

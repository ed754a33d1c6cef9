"""Warns of actions with `confirm: true` whose question could reach nobody, or whose links nobody could open."""

from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from alerting.model import Alert, AlertsFile, TelegramChannel
from nervesys.errors import SettingsProblem
from nervesys.settings import Settings

APPROVAL_KEY = "approval_key"
CARRIERS = "slack, email or telegram"


def approval_warnings(
    alerts: AlertsFile, origin: Callable[[tuple[str, ...]], str], settings: Settings, secrets: Path | None
) -> Iterator[SettingsProblem]:
    """What hinders people from approving; nothing where no action asks them.

    Args:
        alerts: config/alerts.yaml.
        origin: file and line of a path within it.
        settings: addresses.
        secrets: folder of the receiver's secrets; None where they lie elsewhere.
    """
    asking = [
        (index, alert) for index, alert in enumerate(alerts.alerts) if any(step.confirm for step in alert.actions)
    ]
    for index, alert in asking:
        where = origin(("alerts", str(index), "actions"))
        yield from (SettingsProblem(where, f"{alert.name}, confirm", text) for text in _channel_problems(alert, alerts))
    if not asking:
        return
    if problem := _url_problem(settings):
        yield SettingsProblem("config/monitoring.yaml", "receiver_url", problem)
    if secrets is not None and not (secrets / APPROVAL_KEY).exists():
        remedy = f"`nervesys up` makes it, or: openssl rand -hex 20 > {secrets / APPROVAL_KEY}"
        yield SettingsProblem(
            str(secrets / APPROVAL_KEY), "", f"no such file, so that messages carry no links to approve; {remedy}"
        )


def _channel_problems(alert: Alert, alerts: AlertsFile) -> Iterator[str]:
    channels = alerts.approval_channels([alert.alertname])
    if not channels:
        remedy = f"enable a channel of type {CARRIERS}, and name it with `notify`"
        yield f"none of its channels can carry the question, which only the receiver's page shows; {remedy}"
    for name in channels:
        channel = alerts.channels[name]
        if isinstance(channel, TelegramChannel) and not channel.may_press:
            yield f"everybody who reads the chat of {name} may approve; set channels.{name}.approvers to user ids"


def _url_problem(settings: Settings) -> str:
    url = settings.monitoring.journal_url
    host = urlsplit(url).hostname or ""
    try:
        local = ip_address(host).is_loopback or ip_address(host).is_unspecified
    except ValueError:
        local = host == "localhost"
    if not local:
        return ""
    remedy = "set it to the receiver's page as people reach it"
    return f"links to approve begin with {url}, which opens on this machine only; {remedy}"

"""Grafana's contact points and notification policies: the same tree of routes as Alertmanager's.

Grafana requires a default contact point. It is the receiver, which journals such alerts and does nothing else.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from alerting.generate.messages import TITLE, message_text, whole_message
from alerting.generate.routes import ACTIONS, DEADMAN, PEOPLE_GROUP, RECEIVER_TOKEN, pace, receiver_urls, routes
from alerting.model import AlertsFile, Channel, EmailChannel, SlackChannel, TelegramChannel, WebhookChannel
from nervesys.settings import Settings

Integration = tuple[str, dict[str, Any], bool]
"""Type, settings, and whether it also sends resolved alerts."""


def contact_points(settings: Settings, alerts: AlertsFile, secrets: Path) -> list[dict[str, Any]]:
    """The contact points: the receiver, the dead-man's switch, and each enabled channel.

    Args:
        settings: addresses.
        alerts: its channels.
        secrets: folder in which relative names of secret files lie, as Grafana sees it.
    """
    to_receivers = list(_to_receivers(settings, secrets))
    return [
        _contact(ACTIONS, to_receivers),
        _contact(DEADMAN, [*to_receivers, *_to_outside(settings)]),
        *(_contact(name, [_integration(settings, channel, secrets)]) for name, channel in alerts.enabled.items()),
    ]


def policies(settings: Settings, alerts: AlertsFile) -> list[dict[str, Any]]:
    """The whole tree of an organisation."""
    return [
        {
            "orgId": 1,
            "receiver": ACTIONS,
            "group_by": PEOPLE_GROUP,
            **pace(settings),
            "routes": list(routes(settings, alerts, _matchers)),
        }
    ]


def _matchers(names: Iterable[str]) -> dict[str, Any]:
    return {"object_matchers": [["alertname", "=~", "|".join(names)]]}


def _contact(name: str, integrations: Iterable[Integration]) -> dict[str, Any]:
    receivers = [
        {
            "uid": f"nervesys-{name}-{index}"[:40],
            "type": kind,
            "disableResolveMessage": not resolved,
            "settings": settings,
        }
        for index, (kind, settings, resolved) in enumerate(integrations)
    ]
    return {"orgId": 1, "name": name, "receivers": receivers}


def _to_receivers(settings: Settings, secrets: Path) -> Iterator[Integration]:
    certificate = settings.monitoring.web.tls_cert_file
    trust = {"tlsConfig": {"caCertificate": _file(Path(certificate))}} if certificate else {}
    for address in receiver_urls(settings):
        url = _escape(f"{address}/api/v1/grafana")
        yield "webhook", {"url": url, "httpMethod": "POST", **_bearer(secrets / RECEIVER_TOKEN), **trust}, True


def _to_outside(settings: Settings) -> Iterator[Integration]:
    if settings.monitoring.deadman.url:
        yield "webhook", {"url": _escape(settings.monitoring.deadman.url), "httpMethod": "POST"}, False


def _bearer(file: Path) -> Mapping[str, str]:
    return {"authorization_scheme": "Bearer", "authorization_credentials": _file(file)}


def _file(path: Path) -> str:
    """Grafana puts the file's content there when it starts."""
    return f"$__file{{{path}}}"


def _escape(text: str) -> str:
    """Text in which Grafana expands nothing."""
    return text.replace("$", "$$")


def _integration(settings: Settings, channel: Channel, secrets: Path) -> Integration:
    """A channel as Grafana writes it; the SMTP server is a setting of Grafana itself."""
    title, text = _escape(TITLE), _escape(message_text(settings))
    match channel:
        case SlackChannel():
            url = _file(secrets / channel.api_url_file)
            return "slack", {"url": url, "title": title, "text": text}, True
        case EmailChannel():
            return "email", {"addresses": _escape(channel.to), "subject": title, "message": text}, True
        case TelegramChannel():
            bot = {"bottoken": _file(secrets / channel.bot_token_file), "chatid": str(channel.chat_id)}
            return "telegram", {**bot, "message": _escape(whole_message(settings)), "parse_mode": "None"}, True
        case WebhookChannel():
            token = _bearer(secrets / channel.token_file) if channel.token_file else {}
            return "webhook", {"url": _escape(channel.url), "httpMethod": "POST", **token}, True

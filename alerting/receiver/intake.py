"""Turns the alerts of a request into what is journalled; the actions come from alerts.yaml, never from the request."""

import json
from collections.abc import Iterable, Iterator

from alerting.actions import ANALYZE, LOG_TO
from alerting.journal.receive import Arrival
from alerting.journal.states import FIRING
from alerting.model import Action
from alerting.overlay import WATCHDOG
from alerting.receiver.firing import TEST_LABEL
from alerting.receiver.fleet import FleetConfig
from alerting.receiver.webhook import BadAlert, ReceivedAlert, WebhookRequest
from nervesys.contract import agent_name
from nervesys.errors import BadObject


def arrivals(request: WebhookRequest, sender: str, fleet: FleetConfig) -> Iterator[Arrival]:
    """Look up what each alert of a request leads to; the Watchdog is left out, for it is no trouble to act upon."""
    for alert in request.alerts:
        if isinstance(alert, BadAlert):
            yield Arrival("", alert.fingerprint, "", "bad", sender, "", "{}", "{}", rejected=alert.problem)
        elif alert.name != WATCHDOG:
            yield _arrival(alert, sender, fleet)


def has_watchdog(request: WebhookRequest) -> bool:
    """Whether the Watchdog is among the alerts and fires."""
    return any(
        isinstance(alert, ReceivedAlert) and (alert.name, alert.status) == (WATCHDOG, FIRING)
        for alert in request.alerts
    )


def _arrival(alert: ReceivedAlert, sender: str, fleet: FleetConfig) -> Arrival:
    rule = fleet.alerts.named(alert.name)
    actions = rule.actions if rule else ()
    remedies = tuple(dict.fromkeys(action.auto_action for action in actions if action.auto_action))
    agent = _agent(alert, fleet)
    rejected = "unknown_alert" if rule is None else _refusal(alert, agent, remedies)
    test = alert.labels.get(TEST_LABEL) == "true"
    records = () if rejected or test else tuple(_records(actions, alert, fleet))
    return Arrival(
        alertname=alert.name,
        fingerprint=alert.identity(),
        starts_at=alert.starts_at,
        status=alert.status,
        sender=sender,
        agent=agent,
        labels=json.dumps(alert.labels),
        annotations=json.dumps(alert.annotations),
        test=test,
        because=rule.because if rule else "",
        rejected=rejected,
        remedies=() if rejected else remedies,
        records=records,
    )


def _records(actions: Iterable[Action], alert: ReceivedAlert, fleet: FleetConfig) -> Iterator[tuple[str, str]]:
    """Action and target of each record of an alert; `analyze` only where a language model is enabled."""
    for action in actions:
        if action.log_to:
            yield LOG_TO, action.log_to
        elif action.analyze and alert.status == FIRING and fleet.settings.alibaba.alibaba_cloud.enabled:
            yield ANALYZE, action.analyze


def _agent(alert: ReceivedAlert, fleet: FleetConfig) -> str:
    """The configured agent that an alert is about; empty where there is none."""
    try:
        name = agent_name(alert.labels.get("agent", ""))
    except BadObject:
        return ""
    return name if name in fleet.agents else ""


def _refusal(alert: ReceivedAlert, agent: str, remedies: tuple[str, ...]) -> str:
    """Why an alert leads to nothing; empty where it may lead to something."""
    if agent:
        return ""
    if alert.labels.get("agent"):
        return "unknown_agent"
    return "no_agent" if remedies else ""

"""Prometheus' alerting rules: the expression of each alert, with the labels and annotations that all rules have."""

from dataclasses import dataclass
from typing import Any

from alerting.conditions.compile import NOBODYS, Own, compiled, reads_a_pair
from alerting.generate.messages import AGENT_STORY
from alerting.model import WATCHDOG, Alert, AlertsFile, Severity
from alerting.units import promql_duration
from nervesys.settings import Settings

PAGE = "reference/alerts.md"
"""The page of runbooks, below the address of the documentation; each alert has a heading there."""
DASHBOARD_VARIABLES = ("agent", "server")
"""Labels that a dashboard takes as variables of the same name."""


@dataclass(frozen=True)
class Rule:
    """One rule of an alert; an alert with a pair of thresholds has two.

    Attributes:
        expr: PromQL; empty where nothing evaluates it, because somebody posts it.
        by: the labels that it carries beside its name and severity.
    """

    alert: Alert
    severity: Severity
    expr: str
    by: tuple[str, ...]


def rules_of(alert: Alert, settings: Settings, own: Own = NOBODYS) -> list[Rule]:
    """The rules of an alert.

    Args:
        alert: of config/alerts.yaml.
        settings: thresholds and intervals.
        own: thresholds of agents that have some of their own; none where only labels are asked for.

    Raises:
        ValueError: what is wrong with its condition.
    """
    if alert.condition is None:
        return [Rule(alert, _severity(alert), (alert.expr or "").strip(), alert.by)]
    if alert.severity is None and reads_a_pair(alert.condition, settings):
        pair = (Severity.WARNING, Severity.CRITICAL)
        both = [(severity, compiled(alert.condition, settings, severity, own)) for severity in pair]
        return [Rule(alert, severity, one.expr, one.by) for severity, one in both]
    one = compiled(alert.condition, settings, alert.severity, own)
    return [Rule(alert, _severity(alert), one.expr, one.by)]


def prometheus_rules(settings: Settings, alerts: AlertsFile, own: Own = NOBODYS) -> dict[str, Any]:
    """The content of the file of rules.

    Args:
        settings: thresholds and intervals.
        alerts: what to alert on.
        own: thresholds of agents that have some of their own.
    """
    rules = [_written(rule, settings) for rule in evaluated(settings, alerts, own)]
    return {"groups": [{"name": "nervesys", "rules": rules}]}


def evaluated(settings: Settings, alerts: AlertsFile, own: Own = NOBODYS) -> list[Rule]:
    """The rules that an engine evaluates: all but what somebody posts."""
    return [rule for alert in alerts.alerts if not alert.posted for rule in rules_of(alert, settings, own)]


def _severity(alert: Alert) -> Severity:
    if alert.severity is None:
        raise ValueError("severity is missing: critical, warning or info")
    return alert.severity


def _written(rule: Rule, settings: Settings) -> dict[str, Any]:
    """The rule as Prometheus reads it, with what every rule carries."""
    alert = rule.alert
    written: dict[str, Any] = {"alert": alert.alertname, "expr": rule.expr}
    if alert.hold:
        written["for"] = promql_duration(alert.hold)
    if alert.name != WATCHDOG:
        # A blind minute tells nobody "resolved"; the dead-man's switch alone must go out at once.
        written["keep_firing_for"] = promql_duration(settings.thresholds.heartbeat.grace_seconds)
    story = AGENT_STORY if "agent" in rule.by else {}
    return written | {"labels": {"severity": str(rule.severity)}, "annotations": annotations(rule, settings) | story}


def annotations(rule: Rule, settings: Settings) -> dict[str, str]:
    """The annotations of a rule, for either engine, as Prometheus templates."""
    variables = "&".join(f"var-{name}={{{{ $labels.{name} }}}}" for name in rule.by if name in DASHBOARD_VARIABLES)
    dashboard = f"{settings.grafana.url}/d/{rule.alert.dashboard}"
    asked = "?agent={{ $labels.agent }}" if "agent" in rule.by else ""
    return {
        "summary": rule.alert.summary,
        "description": rule.alert.description.strip(),
        "runbook_url": f"{settings.monitoring.docs_url}/{PAGE}#{rule.alert.anchor}",
        "dashboard_url": f"{dashboard}?{variables}" if variables else dashboard,
        "journal_url": f"{settings.monitoring.journal_url}/{asked}",
    }

"""Prometheus' alerting rules: the expression of each alert, and what every alert carries, added in one place."""

from collections.abc import Iterator
from typing import Any

from alerting.gates import CONFIGURED, gated
from alerting.model import Alert, AlertsFile
from alerting.units import promql_duration
from nervesys.settings import Settings


def prometheus_rules(settings: Settings, alerts: AlertsFile) -> dict[str, Any]:
    """The content of the file of rules.

    Args:
        settings: thresholds and intervals.
        alerts: what to alert on.
    """
    return {
        "groups": [{"name": "nervesys", "rules": [rule for one in alerts.alerts for rule in _rules(settings, one)]}]
    }


def _rules(settings: Settings, alert: Alert) -> Iterator[dict[str, Any]]:
    age = gated(settings, "(time() - nervesys_agent_heartbeat_timestamp_seconds)", "store", "agents", silence=True)
    expr = (
        f"min by (agent) (\n  {age}\n) > {settings.thresholds.heartbeat.down_after_seconds:g}\n"
        f'unless on (agent) (nervesys_agent_status{{status="stopped"}} == 1)\n'
        f"and on (agent) last_over_time({CONFIGURED}[1h])"
    )
    yield {
        "alert": alert.alertname,
        "expr": expr,
        "keep_firing_for": promql_duration(settings.thresholds.heartbeat.grace_seconds),
        "labels": {"severity": str(alert.severity)},
        "annotations": annotations(settings, alert),
    }


def annotations(settings: Settings, alert: Alert) -> dict[str, str]:
    """What people read: the words of the alert, and where to go on."""
    return {
        "summary": alert.summary,
        "description": alert.description,
        "runbook_url": f"{settings.monitoring.docs_url}/reference/alerts.md#{alert.anchor}",
        "dashboard_url": f"{settings.grafana.url}/d/{alert.dashboard}",
    }

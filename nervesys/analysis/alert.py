"""The alert for a critical verdict, posted to Alertmanager directly, because no Prometheus rule covers it. Pure.

There is one alert per agent, so that many verdicts make one message. Alertmanager resolves an alert that is not posted
again; the poster repeats it while the verdict is valid.
"""

from typing import Any

from nervesys.contract import format_time
from nervesys.contract.dashboard_links import AGENT_PAGE, AGENT_VARIABLE
from nervesys.settings import Settings

ALERT = "JudgedCritical"
"""Its name in config/alerts.yaml, which has its channels."""
LASTS_SECONDS = 300.0
"""Time after which Alertmanager resolves it, unless it is posted again."""
REFRESH_SECONDS = 60.0
"""Interval at which it is posted again."""


def alert_body(agent: str, subject: str, reason: str, settings: Settings, start: float, end: float) -> dict[str, Any]:
    """The alert in the format of Alertmanager's API (v2).

    Args:
        agent: name of the agent; empty for the fleet.
        subject: what was judged, such as an alert's name.
        reason: the model's reason, in one sentence.
        settings: URLs for the links.
        start: Unix seconds.
        end: Unix seconds; in the past to resolve the alert.
    """
    agent_label = {"agent": agent} if agent else {}
    query = f"?var-{AGENT_VARIABLE}={agent}" if agent else ""
    return {
        "labels": {"alertname": ALERT, "severity": "critical", **agent_label},
        "annotations": {
            "summary": f"{agent or 'The fleet'}: {subject} was judged critical",
            "description": reason,
            "runbook_url": f"{settings.monitoring.docs_url}/reference/alerts.md#judged-critical",
            "dashboard_url": f"{settings.dashboards_url}/d/{AGENT_PAGE}{query}",
            "journal_url": settings.monitoring.journal_url,
        },
        "startsAt": format_time(start),
        "endsAt": format_time(end),
    }

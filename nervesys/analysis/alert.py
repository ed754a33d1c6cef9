"""The alert that a critical verdict becomes: posted to Alertmanager, for no rule of Prometheus knows of it. Pure.

It is one alert an agent, whatever was judged, so that a bad hour is one message. Alertmanager ends what is not posted
again: who judged it posts it anew for as long as it stands.
"""

from typing import Any

from nervesys.contract import format_time
from nervesys.settings import Settings

ALERT = "JudgedCritical"
"""Its name in config/alerts.yaml says whom it tells."""
LASTS_SECONDS = 300.0
"""After which Alertmanager ends it, unless it is posted again."""
REFRESH_SECONDS = 60.0
"""Between two posts of one that stands."""


def posted(agent: str, subject: str, reason: str, settings: Settings, start: float, end: float) -> dict[str, Any]:
    """What Alertmanager's API (v2) takes.

    Args:
        agent: whom it is about; empty for the fleet.
        subject: what was judged, such as an alert's name.
        reason: the model's, in one sentence.
        settings: addresses for the links.
        start: Unix seconds, since when.
        end: Unix seconds; one in the past ends it.
    """
    about = {"agent": agent} if agent else {}
    asked = f"?var-agent={agent}" if agent else ""
    return {
        "labels": {"alertname": ALERT, "severity": "critical", **about},
        "annotations": {
            "summary": f"{agent or 'The fleet'}: {subject} was judged critical",
            "description": reason,
            "runbook_url": f"{settings.monitoring.docs_url}/reference/alerts.md#judged-critical",
            "dashboard_url": f"{settings.grafana.url}/d/agent-details{asked}",
            "journal_url": settings.monitoring.journal_url,
        },
        "startsAt": format_time(start),
        "endsAt": format_time(end),
    }

"""The page of runbooks: each alert with what it says, what it asks, and what to do. Pure: alerts in, Markdown out."""

from collections.abc import Iterator

from alerting.model import Action, Alert, AlertsFile
from alerting.rules import rules_of
from nervesys.settings import Settings


def alerts_page(settings: Settings, alerts: AlertsFile) -> str:
    """The whole page, below its notice.

    Args:
        settings: thresholds and intervals that the expressions are shown with.
        alerts: config/alerts.yaml.
    """
    return (
        "# Alerts\n\nWhat each alert means and what to do about it. The expressions hold the shipped thresholds; yours "
        "are in Prometheus' page of rules.\n" + "".join("".join(_section(settings, alert)) for alert in alerts.alerts)
    )


def _section(settings: Settings, alert: Alert) -> Iterator[str]:
    rules = rules_of(alert, settings)
    labels = ", ".join(f"`{label}`" for label in rules[0].by) or "none"
    yield f"\n## {alert.name}\n\n{alert.description.strip()}\n\n"
    yield f"- **Severity**: {', '.join(rule.severity for rule in rules)}\n"
    yield f"- **Labels**: {labels}\n"
    if alert.condition:
        yield f"- **Condition**: `{alert.condition}`\n"
    if alert.actions:
        yield f"- **Actions**: {', '.join(map(_action, alert.actions))}\n"
    yield f"\n**What to do.** {alert.runbook.strip()}\n"
    for rule in rules:
        title = f"Expression, {rule.severity}" if len(rules) > 1 else "Expression"
        yield f"\n<details><summary>{title}</summary>\n\n```promql\n{rule.expr}\n```\n\n</details>\n"


def _action(action: Action) -> str:
    ((key, value),) = action.model_dump(exclude_none=True).items()
    return f"{key} `{value}`"

"""A test alert, which goes through the whole chain without any action. Pure: builds what is sent to either engine.

It carries the label `nervesys_test`: the receiver observes it in an episode of its own, messages say TEST, and it hides
no other alert.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from alerting.conditions.compile import ConditionCompiler
from alerting.generate.routes import ACTIONS
from alerting.generate.rules import annotations, rules_of
from alerting.model import Alert, AlertsFile
from nervesys.settings.check import suggest

TEST = {"nervesys_test": "true"}
NO_END = "0001-01-01T00:00:00Z"
"""What Go writes where there is no time."""
LASTS_SECONDS = 300
"""After which it is over by itself, should nobody end it."""


@dataclass(frozen=True)
class AlertTest:
    """A test of one alert.

    Attributes:
        alert: whose chain is tried.
        labels: those of a real one, and the mark of a test.
        annotations: as people read them.
    """

    alert: Alert
    labels: dict[str, str]
    annotations: dict[str, str]

    def body(self, start: float, end: float) -> list[dict[str, Any]]:
        """What Alertmanager's API takes; times in Unix seconds."""
        times = {"startsAt": _rfc3339(start), "endsAt": _rfc3339(end)}
        return [{"labels": self.labels, "annotations": self.annotations, **times}]

    def as_grafana(self, start: float, end: float | None = None) -> dict[str, Any]:
        """What Grafana posts to a webhook; times in Unix seconds, no end while it fires.

        The format is that of its [webhook notifier](https://grafana.com/docs/grafana/latest/alerting/).
        """
        status = "firing" if end is None else "resolved"
        times = {"startsAt": _rfc3339(start), "endsAt": NO_END if end is None else _rfc3339(end)}
        fingerprint = hashlib.sha256(repr(sorted(self.labels.items())).encode()).hexdigest()[:16]
        alert = {"status": status, "labels": self.labels, "annotations": self.annotations, **times}
        return {
            "receiver": ACTIONS,
            "status": status,
            "orgId": 1,
            "alerts": [{**alert, "fingerprint": fingerprint, "values": None}],
            "groupLabels": {"alertname": self.labels["alertname"]},
            "commonLabels": self.labels,
            "commonAnnotations": self.annotations,
            "version": "1",
            "groupKey": fingerprint,
            "truncatedAlerts": 0,
            "state": "alerting" if end is None else "ok",
            "title": f"TEST {self.labels['alertname']}",
            "message": self.annotations["summary"],
        }


def make_alert_test(
    name: str, labels_of_target: Mapping[str, str], alerts: AlertsFile, compiler: ConditionCompiler
) -> AlertTest:
    """Make a test of an alert, of its most severe rule.

    Args:
        name: such as `Agent Down` or `AgentDown`.
        labels_of_target: the labels of the agent, server, … that it is about.
        alerts: config/alerts.yaml.
        compiler: of its condition; its settings have the addresses.

    Raises:
        ValueError: there is no such alert, or its labels are missing or wrong.
    """
    alert = alerts.named(name.replace(" ", ""))
    if alert is None:
        raise ValueError(f"no alert is named {name!r}; {suggest(name, [alert.name for alert in alerts.alerts])}")
    rule = rules_of(alert, compiler)[-1]
    missing = [label for label in rule.by if not labels_of_target.get(label)]
    if missing:
        raise ValueError(f"{alert.name} needs {' and '.join(rule.by)}: {_options(missing)}")
    foreign = sorted(set(labels_of_target) - set(rule.by))
    if foreign:
        raise ValueError(f"{alert.name} has no label {', '.join(foreign)}; leave it out")
    labels = {"alertname": alert.alertname, "severity": str(rule.severity), **labels_of_target, **TEST}
    texts = {name: _expand_template(text, labels) for name, text in annotations(rule, compiler.settings).items()}
    return AlertTest(alert, labels, texts)


def _options(labels: list[str]) -> str:
    return " ".join(f"--{label} NAME" if label in {"agent", "server"} else f"--label {label}=NAME" for label in labels)


def _expand_template(text: str, labels: Mapping[str, str]) -> str:
    """A template as Prometheus would fill it in; what only it can know is left out."""
    named = re.sub(r"\{\{\s*\$labels\.(\w+)\s*\}\}", lambda found: labels.get(found[1], ""), text)
    return re.sub(r"\{\{.*?\}\}", "…", named)


def _rfc3339(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()

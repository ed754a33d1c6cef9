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

from alerting.generate.routes import ACTIONS
from alerting.generate.rules import annotations, rules_of
from alerting.model import Alert, AlertsFile
from nervesys.settings import Settings
from nervesys.settings.check import suggest

TEST = {"nervesys_test": "true"}
NO_END = "0001-01-01T00:00:00Z"
"""What Go writes where there is no time."""
LASTS_SECONDS = 300
"""After which it is over by itself, should nobody end it."""


@dataclass(frozen=True)
class Trial:
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
        times = {"startsAt": _written(start), "endsAt": _written(end)}
        return [{"labels": self.labels, "annotations": self.annotations, **times}]

    def as_grafana(self, start: float, end: float | None = None) -> dict[str, Any]:
        """What Grafana posts to a webhook; times in Unix seconds, no end while it fires.

        The format is that of its [webhook notifier](https://grafana.com/docs/grafana/latest/alerting/).
        """
        status = "firing" if end is None else "resolved"
        times = {"startsAt": _written(start), "endsAt": NO_END if end is None else _written(end)}
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


def trial(name: str, given: Mapping[str, str], alerts: AlertsFile, settings: Settings) -> Trial:
    """Make a test of an alert, of its most severe rule.

    Args:
        name: such as `Agent Down` or `AgentDown`.
        given: the labels that say whom it is about.
        alerts: config/alerts.yaml.
        settings: thresholds and addresses.

    Raises:
        ValueError: there is no such alert, or it is not said whom it is about.
    """
    alert = alerts.named(name.replace(" ", ""))
    if alert is None:
        raise ValueError(f"no alert is named {name!r}; {suggest(name, [one.name for one in alerts.alerts])}")
    rule = rules_of(alert, settings)[-1]
    missing = [label for label in rule.by if not given.get(label)]
    if missing:
        raise ValueError(f"{alert.name} is about one {' and '.join(rule.by)}; say which: {_options(missing)}")
    foreign = sorted(set(given) - set(rule.by))
    if foreign:
        raise ValueError(f"{alert.name} has no label {', '.join(foreign)}; leave it out")
    labels = {"alertname": alert.alertname, "severity": str(rule.severity), **given, **TEST}
    said = {name: _filled(text, labels) for name, text in annotations(rule, settings).items()}
    return Trial(alert, labels, said)


def _options(labels: list[str]) -> str:
    return " ".join(f"--{one} NAME" if one in {"agent", "server"} else f"--label {one}=NAME" for one in labels)


def _filled(text: str, labels: Mapping[str, str]) -> str:
    """A template as Prometheus would fill it in; what only it can know is left out."""
    named = re.sub(r"\{\{\s*\$labels\.(\w+)\s*\}\}", lambda found: labels.get(found[1], ""), text)
    return re.sub(r"\{\{.*?\}\}", "…", named)


def _written(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()

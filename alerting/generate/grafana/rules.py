"""Grafana's alert rules: each asks Prometheus for the same expression that Prometheus' own rule would have.

An expression returns the series that are beyond their bound, and nothing while all is well. So any series counts as
firing, whatever its value, and no data means OK. Grafana has no inhibition rules: series that another alert inhibits
are left out by the expression itself.
"""

import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from alerting.conditions.compile import ConditionCompiler
from alerting.generate.rules import Rule, annotations, evaluated_rules
from alerting.model import AlertsFile
from alerting.overlay import WATCHDOG
from alerting.units import promql_duration
from nervesys.settings import Settings

UID_LENGTH = 40
INTERVAL_STEP = 10
"""Seconds: an interval of evaluation is a multiple of it."""
LOOKBACK_SECONDS = 600
QUERY, THERE, BEYOND = "A", "B", "C"


def groups(compiler: ConditionCompiler, alerts: AlertsFile) -> list[dict[str, Any]]:
    """The groups of rules, one for each severity, in a folder of its own: a title stands in a folder once.

    Args:
        compiler: of the alerts' conditions; its settings have the uid of the data source.
        alerts: what to alert on.
    """
    settings, rules = compiler.settings, evaluated_rules(compiler, alerts)
    every = settings.monitoring.prometheus.evaluation_interval_seconds
    return [
        {
            "orgId": 1,
            "name": str(severity),
            "folder": f"{settings.grafana.folder} alerts, {severity}".replace("$", "$$"),
            "interval": promql_duration(math.ceil(every / INTERVAL_STEP) * INTERVAL_STEP),
            "rules": [_rule_entry(rule, rules, settings) for rule in rules if rule.severity is severity],
        }
        for severity in dict.fromkeys(rule.severity for rule in rules)
    ]


def _rule_entry(rule: Rule, rules: Sequence[Rule], settings: Settings) -> dict[str, Any]:
    alert = rule.alert
    entry: dict[str, Any] = {
        "uid": _uid(f"nervesys-{alert.anchor}-{rule.severity}"),
        "title": alert.alertname,
        "condition": BEYOND,
        "data": list(_stages(_with_inhibitions(rule, rules), settings.grafana.datasource_uid)),
        "for": promql_duration(alert.hold),
        "noDataState": "OK",
        # A failing Prometheus must not send "resolved", but it must end the dead-man's switch.
        "execErrState": "OK" if alert.name == WATCHDOG else "KeepLast",
        "labels": {"severity": str(rule.severity)},
        "annotations": {name: _grafana_template(text) for name, text in annotations(rule, settings).items()},
    }
    if alert.name != WATCHDOG:
        entry["keepFiringFor"] = promql_duration(settings.thresholds.heartbeat.grace_seconds)
    return entry


def _uid(name: str) -> str:
    """The name, or where it is too long its beginning and a digest of all of it."""
    if len(name) <= UID_LENGTH:
        return name
    return f"{name[: UID_LENGTH - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _stages(expr: str, datasource: str) -> Iterator[dict[str, Any]]:
    """The query, whether there is a number, and the threshold that makes it fire."""
    query = {"expr": expr, "instant": True, "range": False, "editorMode": "code"}
    yield _stage(QUERY, datasource, LOOKBACK_SECONDS, {**query, "intervalMs": 1000, "maxDataPoints": 43200})
    yield _stage(THERE, "__expr__", 0, {"type": "math", "expression": f"is_number(${QUERY})"})
    beyond = [{"evaluator": {"type": "gt", "params": [0]}}]
    yield _stage(BEYOND, "__expr__", 0, {"type": "threshold", "expression": THERE, "conditions": beyond})


def _stage(name: str, datasource: str, lookback: int, model: dict[str, Any]) -> dict[str, Any]:
    return {
        "refId": name,
        "datasourceUid": datasource,
        "relativeTimeRange": {"from": lookback, "to": 0},
        "model": {"refId": name, **model},
    }


def _with_inhibitions(rule: Rule, rules: Iterable[Rule]) -> str:
    """The expression, without the series of a more severe rule of the same alert, or of an alert that inhibits it."""
    hiding = [
        other
        for other in rules
        if rule.alert.name in other.alert.inhibits
        or (other.alert is rule.alert and other is not rule and other.severity == "critical")
    ]
    parts = [f"(\n{rule.expr}\n)" if hiding else rule.expr]
    for other in hiding:
        shared = ", ".join(label for label in other.by if label in rule.by)
        parts.append(f"unless on ({shared}) (\n{other.expr}\n)")
    return "\n".join(parts)


def _grafana_template(text: str) -> str:
    """A template of Prometheus as Grafana has it: there `$value` is a text about all stages."""
    return re.sub(r"\$value\b", f"$values.{QUERY}.Value", text)

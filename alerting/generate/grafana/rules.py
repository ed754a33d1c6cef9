"""Grafana's alert rules: each asks Prometheus for the same expression that Prometheus' own rule would have.

An expression returns the series that are beyond their bound, and nothing while all is well. So any series counts as
firing, whatever its value, and no data means OK. Grafana has no inhibition rules: series that another alert inhibits
are left out by the expression itself.
"""

import hashlib
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from grafanalib.core import (
    ALERTRULE_STATE_DATA_OK,
    EXP_TYPE_MATH,
    AlertCondition,
    AlertExpression,
    AlertGroup,
    GreaterThan,
    Target,
)

from alerting.conditions.compile import ConditionCompiler
from alerting.generate.grafana.provisioning import (
    PrometheusQuery,
    ProvisionedRule,
    ThresholdExpression,
    provisioned_groups,
)
from alerting.generate.rules import Rule, annotations, rule_groups
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
    """The groups of rules; each severity has a folder of its own, for a title stands in a folder once.

    Args:
        compiler: of the alerts' conditions; its settings have the uid of the data source.
        alerts: what to alert on.
    """
    settings, divided = compiler.settings, rule_groups(compiler, alerts)
    rules = [rule for group in divided for rule in group.rules]
    return provisioned_groups(
        [
            AlertGroup(
                name=group.name,
                folder=f"{settings.grafana.folder} alerts, {severity}".replace("$", "$$"),
                evaluateInterval=promql_duration(math.ceil(group.every / INTERVAL_STEP) * INTERVAL_STEP),
                rules=[_rule(rule, rules, settings) for rule in group.rules if rule.severity is severity],
            )
            for severity in dict.fromkeys(rule.severity for rule in rules)
            for group in divided
            if any(rule.severity is severity for rule in group.rules)
        ]
    )


def _rule(rule: Rule, rules: Sequence[Rule], settings: Settings) -> ProvisionedRule:
    alert = rule.alert
    is_watchdog = alert.name == WATCHDOG
    return ProvisionedRule(
        uid=_uid(f"nervesys-{alert.anchor}-{rule.severity}"),
        title=alert.alertname,
        triggers=_stages(_with_inhibitions(rule, rules), settings.grafana.datasource_uid),
        condition=BEYOND,
        timeRangeFrom=LOOKBACK_SECONDS,
        evaluateFor=promql_duration(alert.hold),
        noDataAlertState=ALERTRULE_STATE_DATA_OK,
        # A failing Prometheus must not send "resolved", but it must end the dead-man's switch.
        on_error=ALERTRULE_STATE_DATA_OK if is_watchdog else "KeepLast",
        keep_firing_for=None if is_watchdog else promql_duration(settings.thresholds.heartbeat.grace_seconds),
        labels={"severity": str(rule.severity)},
        annotations={name: _grafana_template(text) for name, text in annotations(rule, settings).items()},
    )


def _uid(name: str) -> str:
    """The name, or where it is too long its beginning and a digest of all of it."""
    if len(name) <= UID_LENGTH:
        return name
    return f"{name[: UID_LENGTH - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _stages(expr: str, datasource: str) -> list[Target | AlertExpression]:
    """The query, whether there is a number, and the threshold that makes it fire."""
    return [
        PrometheusQuery(refId=QUERY, expr=expr, instant=True, datasource=datasource),
        AlertExpression(refId=THERE, expression=f"is_number(${QUERY})", expressionType=EXP_TYPE_MATH),
        ThresholdExpression(refId=BEYOND, expression=THERE, conditions=[AlertCondition(evaluator=GreaterThan(0))]),
    ]


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

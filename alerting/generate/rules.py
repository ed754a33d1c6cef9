"""Prometheus' alerting rules: the expression of each alert, with the labels and annotations that all rules have."""

from dataclasses import dataclass, replace
from typing import Any

from alerting.conditions.compile import ComparedLimit, ConditionCompiler
from alerting.conditions.language import Condition, parse_condition
from alerting.generate import agent_details
from alerting.generate.messages import SERIES_STORY
from alerting.model import Alert, AlertSeverity, AlertsFile, evaluations
from alerting.overlay import WATCHDOG
from alerting.units import BaseUnit, promql_duration
from nervesys.contract.dashboard_links import variable_for
from nervesys.settings import Settings

SERIES = "nervesys_exporter_series"
DASHBOARD_VARIABLES = ("agent", "server")
"""Labels that a dashboard takes as variables."""


@dataclass(frozen=True)
class Rule:
    """One rule of an alert; an alert with a pair of thresholds has two.

    Attributes:
        expr: PromQL; empty where nothing evaluates it, because it is posted through the API.
        by: the labels that it carries beside its name and severity.
        limits: the numbers that its condition compares with; empty where it has none, or is written in PromQL.
    """

    alert: Alert
    severity: AlertSeverity
    expr: str
    by: tuple[str, ...]
    limits: tuple[ComparedLimit, ...] = ()


@dataclass(frozen=True)
class RuleGroup:
    """Rules that are evaluated one after the other.

    Attributes:
        every: seconds between two evaluations.
    """

    name: str
    every: float
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class RuleOutline:
    """What is known of an alert's rules before their expressions are compiled.

    Attributes:
        severities: one for each rule.
        by: the labels that they carry beside their name and severity.
        condition: as parsed; None where the alert has none.
    """

    severities: tuple[AlertSeverity, ...]
    by: tuple[str, ...]
    condition: Condition | None = None


def rules_of(alert: Alert, compiler: ConditionCompiler) -> list[Rule]:
    """The rules of an alert.

    Args:
        alert: of config/alerts.yaml.
        compiler: of its condition.

    Raises:
        ValueError: what is wrong with its condition.
    """
    outline = outline_of(alert, compiler)
    if outline.condition is None:
        return [Rule(alert, outline.severities[0], (alert.expr or "").strip(), outline.by)]
    compiled = [(severity, compiler.compile(outline.condition, severity)) for severity in outline.severities]
    return [Rule(alert, severity, found.expr, outline.by, found.limits) for severity, found in compiled]


def outline_of(alert: Alert, compiler: ConditionCompiler) -> RuleOutline:
    """The labels and severities of an alert's rules; its condition is parsed, but not compiled.

    Args:
        alert: of config/alerts.yaml.
        compiler: of its condition.

    Raises:
        ValueError: what is wrong with its condition.
    """
    if alert.condition is None:
        return RuleOutline((_severity(alert),), alert.by)
    condition = parse_condition(alert.condition)
    by = compiler.labels(condition)
    if alert.severity is None and compiler.has_threshold_pair(condition):
        return RuleOutline((AlertSeverity.WARNING, AlertSeverity.CRITICAL), by, condition)
    return RuleOutline((_severity(alert),), by, condition)


def prometheus_rules(compiler: ConditionCompiler, alerts: AlertsFile) -> dict[str, Any]:
    """The content of the file of rules.

    Args:
        compiler: of their conditions.
        alerts: what to alert on.
    """
    settings = compiler.settings
    recording = replace(compiler, configured=agent_details.CONFIGURED)
    groups = [
        _group_entry(group.name, group.every, [_rule_entry(rule, settings) for rule in group.rules])
        for group in rule_groups(recording, alerts)
    ]
    every = settings.monitoring.prometheus.evaluation_interval_seconds
    state_every = evaluations(agent_details.EVALUATIONS, every)
    groups.append(_group_entry(agent_details.STATE_GROUP, state_every, agent_details.state_records()))
    groups.append(_group_entry(agent_details.DETAILS_GROUP, every, [agent_details.details_record()]))
    return {"groups": groups}


def _group_entry(name: str, every: float, rules: list[dict[str, Any]]) -> dict[str, Any]:
    """The interval is written out: other engines that read the file have other defaults."""
    return {"name": name, "interval": promql_duration(every), "rules": rules}


def rule_groups(compiler: ConditionCompiler, alerts: AlertsFile) -> list[RuleGroup]:
    """The rules that an engine evaluates, by their groups, in the order of the alerts.

    Args:
        compiler: of their conditions.
        alerts: what to alert on.
    """
    rules: dict[str, list[Rule]] = {}
    for rule in evaluated_rules(compiler, alerts):
        rules.setdefault(rule.alert.group, []).append(rule)
    every = compiler.settings.monitoring.prometheus.evaluation_interval_seconds
    return [RuleGroup(name, alerts.interval_of(name, every), tuple(some)) for name, some in rules.items()]


def evaluated_rules(compiler: ConditionCompiler, alerts: AlertsFile) -> list[Rule]:
    """The rules that an engine evaluates: all but those that are posted through the API."""
    return [rule for alert in alerts.alerts if not alert.posted for rule in rules_of(alert, compiler)]


def _severity(alert: Alert) -> AlertSeverity:
    """The severity of an alert; where it gives none, by what it does."""
    if alert.severity is not None:
        return alert.severity
    if any(action.auto_action for action in alert.actions):
        return AlertSeverity.CRITICAL
    return AlertSeverity.WARNING if alert.channels else AlertSeverity.INFO


def _rule_entry(rule: Rule, settings: Settings) -> dict[str, Any]:
    """The rule as Prometheus reads it, with what every rule carries."""
    alert, of_agents = rule.alert, "agent" in rule.by
    expr = agent_details.with_details(rule.expr, configured=alert.condition is not None) if of_agents else rule.expr
    entry: dict[str, Any] = {"alert": alert.alertname, "expr": expr}
    if alert.hold:
        entry["for"] = promql_duration(alert.hold)
    if alert.name != WATCHDOG:
        # A gap in the data must not send "resolved"; only the dead-man's switch must stop at once.
        entry["keep_firing_for"] = promql_duration(settings.thresholds.heartbeat.grace_seconds)
    labels, texts = {"severity": str(rule.severity)}, annotations(rule, settings)
    if of_agents:
        labels |= agent_details.without_details()
        texts["description"] += agent_details.ANNOTATION
    elif SERIES in rule.expr:
        texts |= SERIES_STORY
    return entry | {"labels": labels, "annotations": texts}


def annotations(rule: Rule, settings: Settings) -> dict[str, str]:
    """The annotations of a rule, for either engine, as Prometheus templates.

    Few: each is parsed and filled in for each alert that fires, at each evaluation.
    """
    page = rule.alert.dashboard
    names = [name for name in rule.by if name in DASHBOARD_VARIABLES]
    variables = "&".join(f"var-{variable_for(page, name)}={{{{ $labels.{name} }}}}" for name in names)
    dashboard = f"{settings.dashboards_url}/d/{page}"
    return {
        "summary": rule.alert.summary or _summary(rule),
        "description": (rule.alert.description.strip() or _description(rule)) + _automatic(rule.alert),
        "runbook_url": f"{settings.monitoring.docs_url}/{rule.alert.runbook_page}",
        "dashboard_url": f"{dashboard}?{variables}" if variables else dashboard,
        **_compared(rule),
    }


HUMANIZE = {
    BaseUnit.SECONDS: "humanizeDuration",
    BaseUnit.RATIO: "humanizePercentage",
    BaseUnit.BYTES: "humanize1024",
    BaseUnit.COUNT: "humanize",
}
"""Functions of Prometheus' templates."""


def _compared(rule: Rule) -> dict[str, str]:
    """Value and threshold of an alert on an agent, for the page of its episode."""
    if "agent" not in rule.by:
        return {}
    unit = rule.limits[0].unit if rule.limits else BaseUnit.COUNT
    threshold = f"; threshold {', '.join(map(str, rule.limits))}" if rule.limits else ""
    return {"value": f"{{{{ $value | {HUMANIZE[unit]} }}}}{threshold}"}


def _automatic(alert: Alert) -> str:
    """A line on what the receiver does by itself; a first message is sent before there is a result to report."""
    names = ", ".join(
        f"{action.auto_action}{' once a person approves' if action.confirm else ''}"
        for action in alert.actions
        if action.auto_action
    )
    return f"\nAction: {names}, by the receiver; the journal shows its result" if names else ""


def _summary(rule: Rule) -> str:
    """The summary of an alert that has none: what it is about, and its name."""
    subject = ", ".join(f"{{{{ $labels.{label} }}}}" for label in rule.by)
    return f"{subject}: {rule.alert.name}" if subject else rule.alert.name


def _description(rule: Rule) -> str:
    """The description of an alert that has none: its condition, and the value that met it."""
    condition = rule.alert.condition or rule.alert.expr or ""
    if not condition or "{{" in condition:  # of a template language; it would be expanded
        return f"The condition of {rule.alert.name} holds. Value: {{{{ $value }}}}."
    return f"The condition `{' '.join(condition.split())}` holds. Value: {{{{ $value }}}}."

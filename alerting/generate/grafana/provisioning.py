"""Converts grafanalib's alert rules for Grafana's provisioning files: the only place that extends its alerting classes.

grafanalib 0.7.1 models the alerting API of Grafana 9. Provisioning files have other keys, and current versions of
Grafana have threshold expressions, the state `KeepLast` and `keepFiringFor`.
"""

import json
from typing import Any

from grafanalib._gen import DashboardEncoder
from grafanalib.core import AlertExpression, AlertFileBasedProvisioning, AlertGroup, AlertRulev9, Target

Json = dict[str, Any]

ORGANISATION = 1
EXPRESSION = "__expr__"
"""The data source of expressions; grafanalib writes its old number."""
QUERY_KEYS = ("refId", "expr", "instant")
EXPRESSION_KEYS = ("refId", "type", "expression")


class PrometheusQuery(Target):  # type: ignore[misc]  # grafanalib is untyped
    """A query for the values at one instant; the keys of other data sources and of graphs are left out."""

    def to_json_data(self) -> Json:
        """As Grafana's query editor would save it."""
        query: Json = super().to_json_data()
        editor = {"range": False, "editorMode": "code", "intervalMs": 1000, "maxDataPoints": 43200}
        return {key: query[key] for key in QUERY_KEYS} | editor


class ThresholdExpression(AlertExpression):  # type: ignore[misc]  # grafanalib is untyped
    """Which numbers fire; its conditions need an evaluator alone."""

    def to_json_data(self) -> Json:
        """Of the type that grafanalib does not accept."""
        stage: Json = super().to_json_data()
        stage["model"]["type"] = "threshold"
        return stage


class ProvisionedRule(AlertRulev9):  # type: ignore[misc]  # grafanalib is untyped
    """A rule with what grafanalib's lacks.

    Args:
        on_error: its state while the query fails; grafanalib refuses `KeepLast`.
        keep_firing_for: how long it goes on firing after its condition ended; None to end at once.
        fields: of grafanalib's rule.
    """

    def __init__(self, *, on_error: str, keep_firing_for: str | None, **fields: Any) -> None:
        super().__init__(**fields)
        self.errorAlertState = on_error
        self.keep_firing_for = keep_firing_for

    def to_json_data(self) -> Json:
        """With grafanalib's keys, and `keepFiringFor`."""
        rule: Json = super().to_json_data()
        return rule | ({"keepFiringFor": self.keep_firing_for} if self.keep_firing_for else {})


def provisioned_groups(groups: list[AlertGroup]) -> list[Json]:
    """The groups as Grafana's provisioning files have them."""
    file: Json = json.loads(json.dumps(AlertFileBasedProvisioning(groups), cls=DashboardEncoder))
    return [_group(group) for group in file["groups"]]


def _group(group: Json) -> Json:
    head = {key: group[key] for key in ("name", "folder", "interval")}
    return {"orgId": ORGANISATION, **head, "rules": [_rule(rule) for rule in group["rules"]]}


def _rule(rule: Json) -> Json:
    alert = rule["grafana_alert"]
    return {
        "uid": rule["uid"],
        "title": alert["title"],
        "condition": alert["condition"],
        "data": [_stage(stage) for stage in alert["data"]],
        "for": rule["for"],
        "noDataState": alert["no_data_state"],
        "execErrState": alert["exec_err_state"],
        **{key: rule[key] for key in ("labels", "annotations", "keepFiringFor") if key in rule},
    }


def _stage(stage: Json) -> Json:
    """A query as it is; of an expression the keys that its type reads."""
    model, datasource = stage["model"], stage["datasourceUid"]
    if "expr" not in model:
        datasource = EXPRESSION
        conditions = [{"evaluator": condition["evaluator"]} for condition in model["conditions"]]
        model = {key: model[key] for key in EXPRESSION_KEYS} | ({"conditions": conditions} if conditions else {})
    head = {"refId": stage["refId"], "datasourceUid": datasource, "relativeTimeRange": stage["relativeTimeRange"]}
    return head | {"model": model}

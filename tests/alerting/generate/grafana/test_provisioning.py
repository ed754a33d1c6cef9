"""What grafanalib generates is converted for Grafana's provisioning files.

The whole of the files is tested in test_grafana.py.
"""

import subprocess
import sys

from grafanalib.core import AlertCondition, AlertExpression, AlertGroup, GreaterThan

from alerting.generate.grafana.provisioning import (
    PrometheusQuery,
    ProvisionedRule,
    ThresholdExpression,
    provisioned_groups,
)


def group(keep_firing_for: str | None) -> AlertGroup:
    rule = ProvisionedRule(
        uid="high-cpu",
        title="HighCPU",
        triggers=[
            PrometheusQuery(refId="A", expr="cpu > 0.9", instant=True, datasource="prometheus"),
            AlertExpression(refId="B", expression="is_number($A)", expressionType="math"),
            ThresholdExpression(refId="C", expression="B", conditions=[AlertCondition(evaluator=GreaterThan(0))]),
        ],
        condition="C",
        timeRangeFrom=600,
        evaluateFor="0s",
        noDataAlertState="OK",
        on_error="KeepLast",
        keep_firing_for=keep_firing_for,
        labels={"severity": "warning"},
        annotations={"summary": "busy"},
    )
    return AlertGroup(name="warning", folder="Alerts", evaluateInterval="20s", rules=[rule])


def test_a_group_has_the_keys_of_provisioning_files_and_no_others() -> None:
    query = {"refId": "A", "expr": "cpu > 0.9", "instant": True, "range": False, "editorMode": "code"}
    at_once = {"from": 0, "to": 0}
    assert provisioned_groups([group("3m")]) == [
        {
            "orgId": 1,
            "name": "warning",
            "folder": "Alerts",
            "interval": "20s",
            "rules": [
                {
                    "uid": "high-cpu",
                    "title": "HighCPU",
                    "condition": "C",
                    "data": [
                        {
                            "refId": "A",
                            "datasourceUid": "prometheus",
                            "relativeTimeRange": {"from": 600, "to": 0},
                            "model": query | {"intervalMs": 1000, "maxDataPoints": 43200},
                        },
                        {
                            "refId": "B",
                            "datasourceUid": "__expr__",
                            "relativeTimeRange": at_once,
                            "model": {"refId": "B", "type": "math", "expression": "is_number($A)"},
                        },
                        {
                            "refId": "C",
                            "datasourceUid": "__expr__",
                            "relativeTimeRange": at_once,
                            "model": {
                                "refId": "C",
                                "type": "threshold",
                                "expression": "B",
                                "conditions": [{"evaluator": {"type": "gt", "params": [0]}}],
                            },
                        },
                    ],
                    "for": "0s",
                    "noDataState": "OK",
                    "execErrState": "KeepLast",
                    "labels": {"severity": "warning"},
                    "annotations": {"summary": "busy"},
                    "keepFiringFor": "3m",
                }
            ],
        }
    ]


def test_a_rule_that_ends_at_once_has_no_keep_firing_for() -> None:
    ((rule,),) = (item["rules"] for item in provisioned_groups([group(None)]))
    assert "keepFiringFor" not in rule


def test_commands_on_alerts_load_grafanalib_for_grafanas_engine_alone() -> None:
    script = "import sys, commands.alerts; assert 'grafanalib' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)

"""What a message says about an agent: from records, so that no annotation asks Prometheus anything."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerting.generate.agent_details import (
    ANNOTATION,
    DETAILS,
    DETAILS_GROUP,
    STATE_GROUP,
    details_record,
    state_records,
    with_details,
    without_details,
)
from alerting.generate.rules import prometheus_rules
from alerting.model import read_alerts
from nervesys.settings import FolderTree, load, shipped_root
from tests.alerting.compilers import compiler_of, records_in, rules_in

SETTINGS = load().settings
CONTENT = prometheus_rules(compiler_of(SETTINGS), read_alerts(FolderTree(shipped_root()))[0])
ONE_QUERY = {"TooManySeries"}
"""It fires once a source, at most."""
FIRING = "max by (agent) (x) > 0"
SERIES: dict[str, float | str] = {
    'x{agent="grok"}': 1,
    'x{agent="gimai"}': 2,
    'nervesys_brain_agent_info{agent="grok",instance="a"}': 1,
    'nervesys_brain_agent_info{agent="gimai",instance="a"}': 1,
    'nervesys_agent_info{agent="grok",instance="a",server="web-1"}': 1,
    'nervesys_agent_info{agent="grok",instance="b",server="web-1"}': 1,
    'nervesys_brain_agent_info{agent="copilot",instance="a"}': 1,
    'nervesys_agent_info{agent="copilot",instance="a",server="web-7"}': 1,
    'nervesys_agent_info{agent="copilot",instance="b",server="web-8"}': 1,
    'nervesys_agent_status{agent="grok",status="running"}': "1 1 1 1 stale",
    'nervesys_agent_status{agent="grok",status="stopping"}': "0 0 0 0 stale",
    'nervesys_open_actions{agent="grok",action="restart_agent",state="pending"}': 1,
    'nervesys_open_actions{agent="grok",action="restart_agent",state="running"}': 0,
    'nervesys_open_actions{agent="*",action="restart_agent",state="escalated"}': 1,
}
KNOWN = "Gone.\nServer: web-1\nLast status: running or idle\nWhat was done: restart_agent is pending"
UNKNOWN = "Gone."


def fires(agent: str, description: str) -> dict[str, Any]:
    labels = {"agent": agent, "severity": "critical"}
    return {"exp_labels": labels, "exp_annotations": {"description": description}}


@pytest.mark.parametrize(
    ("expr", "series", "wanted"),
    [
        (with_details(FIRING, configured=True), {}, [fires("grok", KNOWN), fires("gimai", UNKNOWN)]),
        (
            with_details(FIRING, configured=False),
            {'x{agent="*"}': 1},
            [fires("grok", KNOWN), fires("gimai", UNKNOWN), fires("*", UNKNOWN)],
        ),
    ],
    ids=["agents of the brain", "any agents"],
)
def test_an_alert_names_what_is_known_of_its_agent_and_fires_where_nothing_is(
    expr: str, series: dict[str, float | str], wanted: list[object], program: Callable[[str], str], tmp_path: Path
) -> None:
    rule = {
        "alert": "Texts",
        "expr": expr,
        "labels": {"severity": "critical"} | without_details(),
        "annotations": {"description": f"Gone.{ANNOTATION}"},
    }
    rules = [*state_records(), details_record(), rule]
    once = [{"labels": f'{{agent="{agent}"}}', "value": 1} for agent in ("copilot", "gimai", "grok")]
    test = {
        "interval": "1m",
        "input_series": [
            {"series": name, "values": value if isinstance(value, str) else f"{value}x9"}
            for name, value in (SERIES | series).items()
        ],
        "alert_rule_test": [{"eval_time": "8m", "alertname": "Texts", "exp_alerts": wanted}],
        "promql_expr_test": [{"expr": f"count by (agent) ({DETAILS})", "eval_time": "8m", "exp_samples": once}],
    }
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "tested", "rules": rules}]}))
    (tmp_path / "test.yml").write_text(yaml.safe_dump({"rule_files": ["rules.yml"], "tests": [test]}))
    command = [program("promtool"), "test", "rules", str(tmp_path / "test.yml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_annotation_of_an_alert_that_can_fire_for_many_has_a_query() -> None:
    asking = {rule["alert"] for rule in rules_in(CONTENT) if "| query" in str(rule["annotations"])}
    assert asking == ONE_QUERY


def test_every_alert_about_an_agent_has_its_details_and_nothing_else_has() -> None:
    detailed = {rule["alert"] for rule in rules_in(CONTENT) if rule["annotations"]["description"].endswith(ANNOTATION)}
    assert {"AgentDown", "ToolFailing", "ActionEscalated"} <= detailed
    assert {
        rule["alert"] for rule in rules_in(CONTENT) if without_details().items() <= rule["labels"].items()
    } == detailed
    assert not {"HighCPU", "Watchdog", "ModelFailing"} & detailed


def test_an_alert_that_can_fire_for_many_has_few_labels_and_annotations_to_fill_in() -> None:
    many = [rule for rule in rules_in(CONTENT) if without_details().items() <= rule["labels"].items()]
    assert max(len(rule["labels"]) + len(rule["annotations"]) for rule in many) == 7


def test_who_is_configured_is_read_from_the_record_and_not_by_each_rule() -> None:
    assert CONTENT["groups"][-2:] == [
        {"name": STATE_GROUP, "interval": "1m", "rules": state_records()},
        {"name": DETAILS_GROUP, "interval": "15s", "rules": [details_record()]},
    ]
    assert records_in(CONTENT) == [*state_records(), details_record()]
    alone = {
        rule["alert"] for rule in rules_in(CONTENT) if "last_over_time(nervesys_brain_agent_info[1h])" in rule["expr"]
    }
    assert alone == {"UnknownAgents"}
    about_agents = [rule for rule in rules_in(CONTENT) if without_details().items() <= rule["labels"].items()]
    assert all(DETAILS in rule["expr"] for rule in about_agents)

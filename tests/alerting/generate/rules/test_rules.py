"""Every rule, run by promtool: it fires when it should, not one minute earlier, and ends.

Covers: alerting.conditions.budget_conditions, alerting.conditions.call_conditions, alerting.conditions.push_conditions,
alerting.conditions.named_condition,
alerting.conditions.progress_conditions, alerting.generate.rules.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerting.generate.rules import prometheus_rules
from alerting.model import read_alerts
from nervesys.settings import FolderTree, shipped_root
from tests.alerting.compilers import compiler_of, rules_in
from tests.alerting.generate.rules import (
    actions,
    agents,
    artifacts,
    blindness,
    calls,
    hygiene,
    money,
    pillars,
    progress,
    servers,
    service_levels,
    vitality,
    watchers,
    workspaces,
)
from tests.alerting.generate.rules.kit import SETTINGS, Case

CASES = (
    *agents.CASES,
    *progress.CASES,
    *calls.CASES,
    *money.CASES,
    *servers.CASES,
    *pillars.CASES,
    *watchers.CASES,
    *actions.CASES,
    *blindness.CASES,
    *workspaces.CASES,
    *vitality.CASES,
    *hygiene.CASES,
    *artifacts.CASES,
    *service_levels.CASES,
)


@pytest.fixture(scope="session")
def rules() -> list[dict[str, Any]]:
    """The rules of production, with the summary alone of what people read."""
    content = prometheus_rules(compiler_of(SETTINGS), read_alerts(FolderTree(shipped_root()))[0])
    rules = rules_in(content)
    return [rule | {"annotations": {"summary": rule["annotations"]["summary"]}} for rule in rules]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_rule(case: Case, rules: list[dict[str, Any]], program: Callable[[str], str], tmp_path: Path) -> None:
    groups = [{"name": "tested", "rules": [rule for rule in rules if rule["alert"] == case.alert]}]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": groups}))
    (tmp_path / "test.yml").write_text(yaml.safe_dump(case.as_promtool("rules.yml")))
    command = [program("promtool"), "test", "rules", str(tmp_path / "test.yml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_begins_to_the_minute_and_ends(rules: list[dict[str, Any]]) -> None:
    written = {(rule["alert"], rule["labels"]["severity"]) for rule in rules}
    assert {(case.alert, severity) for case in CASES for severity in case.complete()} == written

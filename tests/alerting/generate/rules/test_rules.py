"""Every rule, run by promtool: it fires when it should, not one minute earlier, and ends.

Covers: alerting.conditions.budget_conditions, alerting.conditions.call_conditions, alerting.conditions.push_conditions,
alerting.conditions.named_condition,
alerting.conditions.progress_conditions, alerting.generate.rules.
"""

import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerting.generate.rules import prometheus_rules
from alerting.model import read_alerts
from nervesys.settings import FolderTree, shipped_root
from nervesys.stack.programs import ProgramMissing
from tests.alerting.compilers import compiler_of, records_in, rules_in
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
from tests.alerting.generate.rules.kit import HOUR, SETTINGS, STEP, Case
from tests.conftest import PROGRAMS
from tests.servers.prometheus3 import programs_of_prometheus3

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
LONGEST_ON_3 = 3 * HOUR
"""Longer stories take most of the time."""


@cache
def content() -> dict[str, Any]:
    """The rules of production."""
    return prometheus_rules(compiler_of(SETTINGS), read_alerts(FolderTree(shipped_root()))[0])


@pytest.fixture(scope="session")
def rules() -> list[dict[str, Any]]:
    """The alerting rules, with the summary alone of what people read."""
    return [rule | {"annotations": {"summary": rule["annotations"]["summary"]}} for rule in rules_in(content())]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_rule(case: Case, rules: list[dict[str, Any]], program: Callable[[str], str], tmp_path: Path) -> None:
    command = [program("promtool"), "test", "rules", str(write_test(case, rules, tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def write_test(case: Case, rules: list[dict[str, Any]], folder: Path, edge: int = 0, *, summaries: bool = True) -> Path:
    """Write a test of the alert's own rules for promtool, with alerts that may begin some seconds early."""
    tested = [rule if summaries else rule | {"annotations": {}} for rule in rules if rule["alert"] == case.alert]
    folder.mkdir(exist_ok=True)
    groups = [{"name": "tested", "rules": [*records_in(content(), *tested), *tested]}]
    (folder / "rules.yml").write_text(yaml.safe_dump({"groups": groups}))
    (folder / "test.yml").write_text(yaml.safe_dump(case.as_promtool("rules.yml", edge, summaries=summaries)))
    return folder / "test.yml"


@pytest.fixture(scope="session")
def promtool3() -> Path:
    """Prometheus 3; its tests are skipped, with the reason, where it can be neither found nor downloaded."""
    try:
        return programs_of_prometheus3(PROGRAMS) / "promtool"
    except ProgramMissing as err:
        pytest.skip(str(err))


@pytest.mark.timeout(600)
def test_every_rule_on_prometheus_3(promtool3: Path, rules: list[dict[str, Any]], tmp_path: Path) -> None:
    """Its ranges leave out their first sample: alerts may begin an interval earlier, and rates differ a bit."""
    cases = [case for case in CASES if case.times[-1] <= LONGEST_ON_3]
    tests = [write_test(case, rules, tmp_path / str(n), STEP, summaries=False) for n, case in enumerate(cases)]
    done = subprocess.run([promtool3, "test", "rules", *tests], capture_output=True, text=True, timeout=580)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_begins_to_the_minute_and_ends(rules: list[dict[str, Any]]) -> None:
    written = {(rule["alert"], rule["labels"]["severity"]) for rule in rules}
    assert {(case.alert, severity) for case in CASES for severity in case.complete()} == written

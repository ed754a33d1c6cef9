"""`config check` and `alerts check` as JSON."""

import json
from pathlib import Path

import pytest

from tests.commands.conftest import Run
from tests.nervesys.settings.conftest import PLAN


@pytest.fixture
def brain(tmp_path: Path) -> Path:
    (tmp_path / "config/agents").mkdir(parents=True)
    return tmp_path


def test_a_valid_configuration_with_its_settings_and_warnings(run: Run) -> None:
    ran = run("config", "check", "--json", "--brain", str(PLAN))
    body = json.loads(ran.out)
    assert (ran.code, body["valid"], body["errors"]) == (0, True, [])
    assert [(item["file"], item["line"], item["key"]) for item in body["warnings"]] == [
        ("config/alibaba.yaml", 3, "alibaba_cloud.api_key")
    ]
    assert body["settings"]["storage"]["storj.bucket"] == {
        "value": "owalai-production",
        "origin": "config/grafana.yaml:10",
    }


def test_errors_have_file_line_and_key(run: Run, brain: Path) -> None:
    (brain / "config/agents/grok.yaml").write_text("agent:\n  restart: {driver: superviser}\n")
    ran = run("config", "check", "--json", "--brain", str(brain))
    (error,) = json.loads(ran.out)["errors"]
    assert ran.code == 2
    assert error == {
        "file": "config/agents/grok.yaml",
        "line": 2,
        "key": "agent.restart.driver",
        "problem": "unknown driver 'superviser'; did you mean 'supervisor'?",
    }


def test_the_alerts_of_the_plan_are_right(run: Run) -> None:
    ran = run("alerts", "check", "--json", "--brain", str(PLAN))
    body = json.loads(ran.out)
    assert (ran.code, body["valid"], body["channels"]) == (0, True, [])
    assert "Agent Down" in body["alerts"]


def test_wrong_alerts(run: Run, brain: Path) -> None:
    (brain / "config/alerts.yaml").write_text("alerts:\n  - {name: Hot, condition: cpuu > 1%}\n")
    ran = run("alerts", "check", "--json", "--brain", str(brain))
    (error,) = json.loads(ran.out)["errors"]
    assert (ran.code, error["file"], error["line"]) == (2, "config/alerts.yaml", 2)
    assert "did you mean 'cpu'?" in error["problem"]

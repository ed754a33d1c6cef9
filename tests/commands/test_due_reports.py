"""What the daily round makes of reports, by the machine it runs on and by the settings."""

import sys
from pathlib import Path

import pytest

from commands.due_reports import reports_due
from nervesys.errors import NervesysError


@pytest.fixture
def brain(tmp_path: Path) -> Path:
    (tmp_path / "brain/config").mkdir(parents=True)
    return tmp_path / "brain"


def test_an_agent_without_the_wing_leaves_reports_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "commands.report", None)
    said: list[str] = []
    reports_due(said.append)
    assert len(said) == 1
    assert "pip install 'nervesys-observability[reports]'" in said[0]


def test_the_settings_may_leave_them_to_others(brain: Path, tmp_path: Path) -> None:
    (brain / "config/reports.yaml").write_text("by_round: false\n")
    reports_due(pytest.fail, home=str(tmp_path), brain=str(brain), archive=tmp_path.as_uri())


def test_where_prometheus_is_away_it_is_told_how_to_leave_them(brain: Path, tmp_path: Path) -> None:
    (brain / "config/monitoring.yaml").write_text("prometheus: {url: 'http://127.0.0.1:9'}\n")
    with pytest.raises(NervesysError, match=r"cannot connect; where agents cannot reach .* by_round: false"):
        reports_due(lambda _: None, home=str(tmp_path), brain=str(brain), archive=tmp_path.as_uri())

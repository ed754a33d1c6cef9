"""What the daily round makes of reports, by the machine it runs on and by the settings."""

import sys
from pathlib import Path

import pytest

from commands.due_reports import write_due_reports, write_due_reports_apart
from nervesys.errors import NervesysError


@pytest.fixture
def brain(tmp_path: Path) -> Path:
    (tmp_path / "brain/config").mkdir(parents=True)
    return tmp_path / "brain"


def test_an_agent_without_the_package_skips_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "commands.report", None)
    steps: list[str] = []
    write_due_reports(steps.append)
    assert len(steps) == 1
    assert "pip install 'nervesys-observability[reports]'" in steps[0]


def test_the_settings_may_leave_them_to_others(brain: Path, tmp_path: Path) -> None:
    (brain / "config/reports.yaml").write_text("by_round: false\n")
    write_due_reports(pytest.fail, home=str(tmp_path), brain=str(brain), archive=tmp_path.as_uri())


def test_without_prometheus_the_error_names_the_setting_that_disables_reports(brain: Path, tmp_path: Path) -> None:
    (brain / "config/monitoring.yaml").write_text("prometheus: {url: 'http://127.0.0.1:9'}\n")
    with pytest.raises(NervesysError, match=r"cannot connect; where agents cannot reach .* by_round: false"):
        write_due_reports(lambda _: None, home=str(tmp_path), brain=str(brain), archive=tmp_path.as_uri())


def test_an_agent_has_them_written_by_another_process_and_learns_why_that_failed(brain: Path, tmp_path: Path) -> None:
    (brain / "config/reports.yaml").write_text("by_round: false\n")
    where = {"home": str(tmp_path), "brain": str(brain), "archive": tmp_path.as_uri()}
    write_due_reports_apart(pytest.fail, **where)
    (brain / "config/reports.yaml").unlink()
    (brain / "config/monitoring.yaml").write_text("prometheus: {url: 'http://127.0.0.1:9'}\n")
    with pytest.raises(NervesysError, match=r"cannot connect; where agents cannot reach .* by_round: false"):
        write_due_reports_apart(lambda _: None, **where)

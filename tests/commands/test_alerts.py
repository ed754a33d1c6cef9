"""`nervesys alerts`.

Covers: commands.explain.
"""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from commands.alerts import app, check_alerts
from nervesys.errors import SettingsError
from nervesys.settings import FolderTree, load, shipped_root

RUN = CliRunner()


@pytest.mark.parametrize("profile", [None, "local", "local,compose"])
def test_the_shipped_alerts_are_valid(profile: str | None) -> None:
    loaded = load(profile=profile)
    assert check_alerts(FolderTree(shipped_root()), loaded, secrets=None).alerts


def test_check_prints_the_number_of_alerts(tmp_path: Path) -> None:
    result = RUN.invoke(app, ["check", "--home", str(tmp_path)])
    assert result.exit_code == 0
    alerts = check_alerts(FolderTree(shipped_root()), load(), secrets=None).alerts
    assert f"The alerts are valid: {len(alerts)} alerts, " in result.output
    assert "no channel is enabled" in result.output


def test_a_brain_without_alerts_has_the_shipped_ones(tmp_path: Path) -> None:
    assert check_alerts(FolderTree(tmp_path), load(), secrets=None).named("AgentDown")


def test_all_errors_are_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    shipped = (shipped_root() / "config/alerts.yaml").read_text()
    (tmp_path / "config/alerts.yaml").write_text(shipped.replace("cpu >", "cpuu >").replace("disk >", "disc >"))
    with pytest.raises(SettingsError) as err:
        check_alerts(FolderTree(tmp_path), load(), secrets=None)
    assert [mistake.problem.split(";")[0] for mistake in err.value.mistakes] == [
        "column 1: unknown metric 'cpuu'",
        "column 1: unknown metric 'disc'",
    ]


def test_build_writes_and_then_finds_it_fresh_until_it_is_touched(tmp_path: Path) -> None:
    build = ["build", "--out", str(tmp_path), "--home", str(tmp_path / "home")]
    assert RUN.invoke(app, build).exit_code == 0
    assert RUN.invoke(app, [*build, "--check"]).exit_code == 0
    rules = tmp_path / "prometheus/rules/nervesys.yml"
    rules.write_text(rules.read_text() + "# mine\n")
    result = RUN.invoke(app, [*build, "--check"])
    assert result.exit_code == 1
    assert f"stale {rules}" in result.output.replace("\n", "")


def test_the_example_of_the_guide_is_right(tmp_path: Path) -> None:
    guide = (shipped_root() / "docs/how-to/add-an-alert.md").read_text()
    example = guide.partition("```yaml\nalerts:\n")[2].partition("```")[0]
    shipped = (shipped_root() / "config/alerts.yaml").read_text()
    (tmp_path / "config").mkdir()
    (tmp_path / "config/alerts.yaml").write_text(f"{shipped}\n{example}")
    assert check_alerts(FolderTree(tmp_path), load(), secrets=None).named("ErrorsPileUp")


def test_a_condition_is_explained(tmp_path: Path) -> None:
    argv = ["explain", "cpu > threshold", "--prometheus", "http://127.0.0.1:1", "--home", str(tmp_path)]
    result = RUN.invoke(app, argv)
    assert result.exit_code == 0
    assert "# warning\nmax by (server)" in result.output
    assert "min_over_time(nervesys_server_cpu_ratio[10m]) > 0.9" in result.output
    assert "No current values: query Prometheus at http://127.0.0.1:1" in result.output


def test_a_window_that_is_too_short_is_named(tmp_path: Path) -> None:
    argv = ["explain", "cpu > 90% for 1 minute", "--prometheus", "http://127.0.0.1:1", "--home", str(tmp_path)]
    assert "60 s over nervesys_server_cpu_ratio is less than 240 s" in RUN.invoke(app, argv).output


def test_a_wrong_condition_is_shown_where_it_is_wrong(tmp_path: Path) -> None:
    result = RUN.invoke(app, ["explain", "memory > 5%\nand cpuu > 90%", "--home", str(tmp_path)])
    assert result.exit_code == 2
    assert "and cpuu > 90%\n    ^\nline 2, column 5: unknown metric 'cpuu'; did you mean 'cpu'?" in result.output


def test_a_window_or_bound_that_is_too_short_names_its_threshold(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    tree = FolderTree(tmp_path)
    wrong: dict[str, str] = {}
    for interval in (5, 60):
        heartbeat = f"heartbeat: {{interval_seconds: {interval}, down_after_seconds: 40}}"
        (tmp_path / "config/thresholds.yaml").write_text(heartbeat)
        with pytest.raises(SettingsError) as caught:
            check_alerts(tree, load(tree), secrets=None)
        wrong |= {each.key.partition(",")[0]: each.problem for each in caught.value.mistakes}
    down_after = "; 40 s is thresholds.heartbeat.down_after_seconds"
    assert wrong["Agent Down"].endswith(f"at least 180 s{down_after}")
    assert wrong["Agent Stuck Stopping"].endswith(down_after)
    assert "Too Many Series" not in wrong, "a default window is never too short"

from pathlib import Path

from typer.testing import CliRunner

from nervesys.cli.dashboards import app

RUN = CliRunner()


def test_what_is_built_is_fresh_until_someone_edits_it(tmp_path: Path) -> None:
    place = ["--home", str(tmp_path / "home"), "--out", str(tmp_path / "made")]
    assert RUN.invoke(app, ["build", *place]).exit_code == 0
    fresh = RUN.invoke(app, ["build", "--check", *place])
    assert (fresh.exit_code, fresh.output) == (0, "All files are fresh.\n")
    page = tmp_path / "made/grafana/dashboards/main-overview.json"
    page.write_text("{}")
    stale = RUN.invoke(app, ["build", "--check", *place])
    assert (stale.exit_code, stale.output) == (1, f"stale {page}\n")


def test_check_tells_of_every_page(tmp_path: Path) -> None:
    said = RUN.invoke(app, ["check", "--home", str(tmp_path)])
    assert said.exit_code == 0
    assert said.output.count("nothing") == 6


def test_a_prometheus_that_does_not_answer_is_told_in_words(tmp_path: Path) -> None:
    said = RUN.invoke(app, ["check", "--live", "--prometheus", "http://127.0.0.1:1", "--home", str(tmp_path)])
    assert said.exit_code == 1
    assert str(said.exception) == "ask http://127.0.0.1:1: ConnectionError"

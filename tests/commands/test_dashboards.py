"""`nervesys dashboards`.

Covers: commands.families, commands.generated, commands.options.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commands.dashboards import app
from dashboards import DASHBOARDS
from nervesys.queries.query_runner import QueryRunner
from nervesys.stack.layout import FILE, Stack
from tests.hour.prometheus import remembered

RUN = CliRunner()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QueryRunner]:
    """A Prometheus that remembers an hour."""
    with remembered(tmp_path_factory.mktemp("prometheus")) as live:
        yield live


def test_what_is_built_is_fresh_until_someone_edits_it(tmp_path: Path) -> None:
    place = ["--home", str(tmp_path / "home"), "--out", str(tmp_path / "made")]
    assert RUN.invoke(app, ["build", *place]).exit_code == 0
    fresh = RUN.invoke(app, ["build", "--check", *place])
    assert (fresh.exit_code, fresh.output) == (0, "All files are up to date.\n")
    page = tmp_path / "made/grafana/dashboards/main-overview.json"
    page.write_text("{}")
    stale = RUN.invoke(app, ["build", "--check", *place])
    assert (stale.exit_code, stale.output) == (1, f"stale {page}\n")


def test_check_lists_every_page(tmp_path: Path) -> None:
    result = RUN.invoke(app, ["check", "--home", str(tmp_path)])
    assert result.exit_code == 0
    assert sum(line.endswith(" 0") for line in map(str.rstrip, result.output.splitlines())) == len(DASHBOARDS)


def test_queries_that_find_nothing_are_named_counted_and_exit_with_1(live: QueryRunner, tmp_path: Path) -> None:
    """The Prometheus remembers an hour of another year."""
    result = RUN.invoke(app, ["check", "--live", "--prometheus", live.prometheus.url, "--home", str(tmp_path)])
    assert result.exit_code == 1
    assert "empty main-overview / CPU / A: " in result.output
    (row,) = (line for line in result.output.splitlines() if line.strip().startswith("Main Overview"))
    assert row.split()[-1] != "0"
    assert int(row.split()[-1]) == result.output.count("\nempty main-overview / ")


@pytest.mark.parametrize("command", [["check", "--live"], ["draw"]], ids=lambda words: words[0])
def test_an_unreachable_prometheus_is_an_error(tmp_path: Path, command: list[str]) -> None:
    result = RUN.invoke(app, [*command, "--prometheus", "http://127.0.0.1:1", "--home", str(tmp_path)])
    assert result.exit_code == 1
    assert str(result.exception) == "query Prometheus at http://127.0.0.1:1: cannot connect"


@pytest.mark.parametrize("command", [["check", "--live"], ["draw"]], ids=lambda words: words[0])
def test_what_a_stack_records_is_asked_for_with_its_own_settings(tmp_path: Path, command: list[str]) -> None:
    own = Stack(home=tmp_path, socket=tmp_path / "socket", environ={"NERVESYS_PROFILE": "its-own"}, services=())
    (tmp_path / FILE).write_text(own.model_dump_json())
    result = RUN.invoke(app, [*command, "--home", str(tmp_path)])
    assert result.exit_code == 1
    assert "its-own" in str(result.exception)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        pytest.param(["nowhere"], "no dashboard is named nowhere", id="no such page"),
        pytest.param(["--since", "soon"], "soon: not a duration", id="no time"),
        pytest.param(["--since", "now"], "is not in the past", id="nothing between start and end"),
    ],
)
def test_wrong_arguments_of_draw_are_errors(live: QueryRunner, tmp_path: Path, words: list[str], problem: str) -> None:
    place = ["--prometheus", live.prometheus.url, "--home", str(tmp_path), "--out", str(tmp_path)]
    result = RUN.invoke(app, ["draw", *place, *words])
    assert result.exit_code == 2
    assert problem in " ".join(result.output.replace("│", "").split())


def test_a_page_is_drawn_to_a_file(live: QueryRunner, tmp_path: Path) -> None:
    place = ["--prometheus", live.prometheus.url, "--home", str(tmp_path), "--out", str(tmp_path / "made")]
    result = RUN.invoke(app, ["draw", "config-changes", "--format", "html", *place])
    assert result.exit_code == 0
    assert (tmp_path / "made/config-changes.html").read_text().rstrip().endswith("</html>")

"""Source `workspace`: projects in, the exposition out; then what it costs, remembers and notices.

Covers: exporters.workspace, exporters.workspace.area, exporters.workspace.counts, exporters.workspace.project.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from exporters import workspace as source
from exporters.runner import Cache, Runner
from exporters.workspace import counts
from nervesys.workspace import History, Workspace
from tests.exporters.kit import HandClock, context

NOW = 1_769_854_500.25


def runner_of(path: Path, cache: Cache | None = None) -> Runner:
    ctx = context(HandClock(NOW + 60), cache, source="workspace", flags={"WORKSPACE_PATH": str(path)})
    return Runner(source.SOURCE, ctx)


def value(runner: Runner, series: str) -> str | None:
    text = runner.snapshot().plain.decode()
    return next((line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(f"nervesys_{series} ")), None)


def of(runner: Runner, family: str) -> str | None:
    return value(runner, f'workspace_{family}{{project="apollo"}}')


@pytest.fixture
def apollo(tmp_path: Path) -> Path:
    with Workspace(tmp_path, "apollo", "grok", clock=lambda: NOW) as workspace:
        for number in range(3):
            workspace.history.append("code_review", {"n": number})
            workspace.files.write("plan.md", f"{number}")
        workspace.files.write("same.md", "2")
        workspace.milestone("three")
        workspace.files.delete("plan.md")
    return tmp_path


def test_exposition(apollo: Path, golden_exposition: Callable[[Path, Runner], None]) -> None:
    (apollo / "No Project").mkdir()
    (apollo / "new").mkdir()
    runner = runner_of(apollo)
    assert runner.run_once("workspace")
    golden_exposition(Path(__file__).with_name("apollo.prom"), runner)


def test_no_folder_is_no_project(tmp_path: Path) -> None:
    runner = runner_of(tmp_path / "none")
    assert runner.run_once("workspace")
    assert of(runner, "files") is None


def test_damage_is_counted(apollo: Path) -> None:
    project = apollo / "apollo"
    with (project / "history.log").open("ab") as file:
        file.write(b'not json\n{"id":"x"}\n[1]\ntorn')
    with (project / "versions/versions.log").open("ab") as file:
        file.write(b'{"id":"b","path":"x","hash":null,"size":0,"timestamp":"","author":"","prev":"a"}\n')
    (next((project / "versions/contents").glob("??/*"))).write_bytes(b"changed")
    History(project).close()
    runner = runner_of(apollo)
    for _ in range(3):
        assert runner.run_once("workspace")
    assert of(runner, "torn_lines") == "1"
    assert of(runner, "damaged_lines") == "3"
    assert of(runner, "broken_versions") == "1"
    assert of(runner, "mismatched_contents") == "1"


def test_what_was_read_is_not_read_again_across_restarts(apollo: Path) -> None:
    cache, events = Cache(), 'workspace_events_total{project="apollo",type="code_review"}'
    first = runner_of(apollo, cache)
    assert first.run_once("workspace")
    with History(apollo / "apollo") as history:
        history.append("code_review")
    log = apollo / "apollo/history.log"
    log.write_bytes(b" " * log.read_bytes().rindex(b'{"id"') + log.read_bytes()[log.read_bytes().rindex(b'{"id"') :])
    again = runner_of(apollo, cache)
    assert again.run_once("workspace")
    assert (value(first, events), value(again, events)) == ("3", "4")


def test_a_backlog_is_worked_off_in_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "PASS_CHUNKS", 1)
    with History(tmp_path / "apollo", segment_bytes=200) as history:
        for _ in range(9):
            history.append("x")
    runner = runner_of(tmp_path)
    assert runner.run_once("workspace")
    assert value(runner, 'exporter_backlog_objects{area="workspace",source="workspace"}') == "1.0"
    assert runner.read_everything()
    assert value(runner, 'workspace_events_total{project="apollo",type="x"}') == "9"


def test_a_project_that_is_gone_is_forgotten_and_begun_anew_counted_anew(apollo: Path) -> None:
    runner, events = runner_of(apollo), 'workspace_events_total{project="apollo",type="code_review"}'
    assert runner.run_once("workspace")
    (apollo / "apollo").rename(apollo.parent / "away")
    assert runner.run_once("workspace")
    assert value(runner, events) is None
    with History(apollo / "apollo") as history:
        history.append("code_review")
    assert runner.run_once("workspace")
    assert value(runner, events) == "1"


def test_types_are_bounded(tmp_path: Path) -> None:
    with History(tmp_path / "apollo") as history:
        for number in range(counts.TYPES_LIMIT + 10):
            history.append(f"type-{number}")
    runner = runner_of(tmp_path)
    assert runner.run_once("workspace")
    assert value(runner, 'workspace_events_total{project="apollo",type="other"}') == "10"


ODD = (7, True, None, [1], {"a": 1}, 1e400, -1, "soon", "")


@pytest.mark.parametrize("timestamp", [1_769_854_500, 1_769_854_500_250, "2026-01-31t10:15:00z"])
def test_an_event_may_have_any_form_of_time(apollo: Path, timestamp: object) -> None:
    event = {"id": "x", "type": "deploy", "timestamp": timestamp, "payload": {}}
    with (apollo / "apollo/history.log").open("a") as file:
        file.write(json.dumps(event) + "\n")
    runner = runner_of(apollo)
    assert runner.run_once("workspace")
    assert of(runner, "damaged_lines") == "0"
    assert float(of(runner, "last_event_timestamp_seconds") or 0) == pytest.approx(1_769_854_500, abs=0.5)


@pytest.mark.parametrize("odd", ODD)
def test_strange_events_and_versions_cost_themselves_alone(apollo: Path, odd: object) -> None:
    with Workspace(apollo, "gemini", "grok", clock=lambda: NOW) as workspace:
        workspace.files.write("a", "b")
    event = {"id": "x", "type": "deploy", "timestamp": "2026-01-31T10:15:00Z", "payload": {}}
    strange = [
        event | {"timestamp": odd if odd != 7 else -7},
        *([] if isinstance(odd, str) else [event | {"type": odd}]),
    ]
    version = {"id": "b", "path": "x", "hash": None, "size": 0, "timestamp": "", "author": "", "prev": None}
    versions = [version | {key: odd} for key in version if not isinstance(odd, str)] + [{"pruned": odd}]
    for name, lines in (("history.log", strange), ("versions/versions.log", versions)):
        with (apollo / "apollo" / name).open("a") as file:
            file.write("".join(json.dumps(line).replace("Infinity", "1e400") + "\n" for line in lines))
    runner = runner_of(apollo)
    assert runner.run_once("workspace")
    assert (of(runner, "damaged_lines"), of(runner, "files")) == (str(len(strange)), "1")
    assert value(runner, 'workspace_files{project="gemini"}') == "1"


@pytest.mark.parametrize("odd", ODD)
def test_a_snapshot_with_a_strange_time_costs_itself_alone(apollo: Path, odd: object) -> None:
    snapshot = next((apollo / "apollo/snapshots").glob("*.json"))
    snapshot.write_text(json.dumps(json.loads(snapshot.read_bytes()) | {"timestamp": odd}))
    runner = runner_of(apollo)
    assert runner.run_once("workspace")
    assert of(runner, "files") == "1"

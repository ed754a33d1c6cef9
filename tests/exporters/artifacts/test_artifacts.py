"""Source `artifacts`: a fleet's artifacts in, the exposition out; then what it notices, remembers and costs.

Covers: exporters.artifacts, exporters.artifacts.checksums, exporters.artifacts.files, exporters.artifacts.manifests,
exporters.artifacts.waiting.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from exporters import artifacts as source
from exporters.artifacts import checksums, manifests
from exporters.runner import Runner
from nervesys.artifacts.manifest import ArtifactStatus
from nervesys.artifacts.tokens import ADMIN
from nervesys.database import ReadOnlyDatabase
from tests.exporters.kit import HandClock, context
from tests.nervesys.artifacts.service_setup import ServiceSetup, uri_of

NOW = 1_800_000_000.25


@pytest.fixture
def setup(tmp_path: Path) -> Iterator[ServiceSetup]:
    with ServiceSetup(tmp_path, clock=lambda: NOW) as made:
        yield made


def runner_of(home: Path, **flags: str) -> Runner:
    return Runner(source.SOURCE, context(HandClock(NOW + 86_400 * 2), source="artifacts", home=home, flags=flags))


def value(runner: Runner, series: str) -> str | None:
    text = runner.snapshot().plain.decode()
    return next((line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(f"nervesys_{series} ")), None)


def path_of(uri: str) -> Path:
    return Path(uri.removeprefix("file://"))


def counted(runner: Runner, status: str, type_: str = "note", family: str = "artifacts") -> str | None:
    return value(runner, f'{family}{{type="{type_}",status="{status}",visibility="private"}}')


def test_exposition(setup: ServiceSetup, golden_exposition: Callable[[Path, Runner], None]) -> None:
    grok = setup.artifacts()
    with grok.step("t1", "plan"):
        grok.put("# Plan", "plan", trace="t1", step="plan")
    with pytest.raises(ValueError, match="no"), grok.step("t1", "work"):
        raise ValueError("no")
    grok.put(b"\0" * 1000, "image", visibility="public")
    grok.trace("t1", "failed")
    setup.artifacts("gimai").trace("t2")
    setup.stop()
    grok.put("later", "note")
    runner = runner_of(setup.place.home)
    assert runner.read_everything()
    golden_exposition(Path(__file__).with_name("fleet.prom"), runner)


def test_without_a_database_it_is_blind_and_says_so(tmp_path: Path) -> None:
    runner = runner_of(tmp_path)
    assert not runner.run_once("manifests")
    assert "read the manifests: unable to open database file" in runner.problems()
    assert list(tmp_path.iterdir()) == []


def test_what_changes_is_followed(setup: ServiceSetup) -> None:
    grok, runner = setup.artifacts(), runner_of(setup.place.home)
    made = [grok.put("12345", "note") for _ in range(3)]
    assert runner.run_once("manifests")
    assert (counted(runner, "completed"), counted(runner, "completed", family="artifact_bytes")) == ("3", "15")
    setup.caller(ADMIN).send("DELETE", f"artifacts/{made[0].id}")
    path_of(setup.files.root).joinpath("in-the-way").touch()
    grok.put("123", "note")
    assert runner.run_once("manifests")
    assert (counted(runner, "completed"), counted(runner, "completed", family="artifact_bytes")) == ("3", "13")


def test_uploads_that_are_given_up_show_their_age_until_they_are_completed(setup: ServiceSetup) -> None:
    grok, runner = setup.artifacts(), runner_of(setup.place.home)
    made = grok.put("whole", "note")
    lost = made.model_copy(update={"id": "01KATE00000000000000000001", "status": ArtifactStatus.UPLOADING})
    lost = lost.model_copy(update={"uri": uri_of(setup, lost, lost.id)})
    setup.caller().send("POST", "artifacts", lost.model_dump_json().encode())
    assert runner.run_once("manifests")
    assert counted(runner, "uploading") == "1"
    assert float(value(runner, "artifact_oldest_upload_timestamp_seconds") or 0) == pytest.approx(NOW)
    path_of(lost.uri).parent.mkdir(exist_ok=True)
    path_of(lost.uri).write_text("whole")
    setup.caller().send("POST", f"artifacts/{lost.id}/completed", b"{}")
    assert runner.run_once("manifests")
    assert (counted(runner, "uploading"), counted(runner, "completed")) == ("0", "2")
    assert value(runner, "artifact_oldest_upload_timestamp_seconds") is None


def test_a_pass_reads_only_the_rows_that_changed(setup: ServiceSetup, monkeypatch: pytest.MonkeyPatch) -> None:
    grok = setup.artifacts()
    for _ in range(20):
        grok.put("x", "note")
    read: list[int] = []
    add_row = manifests.ArtifactCounts.add_row

    def counting(self: manifests.ArtifactCounts, row: Any, *, known: bool) -> None:
        read.append(1)
        add_row(self, row, known=known)

    monkeypatch.setattr(manifests.ArtifactCounts, "add_row", counting)
    runner = runner_of(setup.place.home)
    assert runner.run_once("manifests")
    assert len(read) == 20
    grok.put("y", "note")
    assert runner.run_once("manifests")
    assert len(read) == 21


def test_half_of_a_backlog_is_not_shown(setup: ServiceSetup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifests, "STEP", 2)
    grok, runner = setup.artifacts(), runner_of(setup.place.home)
    for _ in range(3):
        grok.put("x", "note")
    assert runner.run_once("manifests")
    assert counted(runner, "completed") is None
    assert runner.read_everything()
    assert counted(runner, "completed") == "3"


def test_a_database_that_was_begun_anew_is_counted_anew(setup: ServiceSetup) -> None:
    grok, runner = setup.artifacts(), runner_of(setup.place.home)
    for _ in range(3):
        grok.put("x", "note")
    assert runner.run_once("manifests")
    setup.stop()
    for file in setup.place.home.glob("artifacts.sqlite3*"):
        file.unlink()
    setup.start()
    grok.put("x", "note")
    assert runner.run_once("manifests")
    assert counted(runner, "completed") == "1"


def test_types_are_bounded(setup: ServiceSetup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifests, "TYPES_LIMIT", 2)
    for number in range(4):
        setup.artifacts().put("x", f"type-{number}")
    runner = runner_of(setup.place.home)
    assert runner.run_once("manifests")
    assert counted(runner, "completed", "other") == "2"


def test_files_without_manifest_and_manifests_without_file_are_counted(setup: ServiceSetup) -> None:
    grok = setup.artifacts()
    made = [grok.put("12345", "note") for _ in range(3)]
    path_of(made[0].uri).unlink()
    for name, age in (("old", 86_400 * 3), ("on-its-way", 60)):
        lonely = path_of(made[0].uri).with_name(name)
        lonely.write_text("123")
        os.utime(lonely, (NOW + 86_400 * 2 - age,) * 2)
    runner = runner_of(setup.place.home)
    assert runner.run_once("files")
    assert [
        value(runner, f"artifact_{name}") for name in ("files", "orphan_files", "orphan_bytes", "missing_files")
    ] == [*("4", "1", "3", "1")]


def test_contents_from_before_another_folder_was_set_are_missing_only_if_they_are_gone(setup: ServiceSetup) -> None:
    made = [setup.artifacts().put("12345", "note") for _ in range(2)]
    path_of(made[0].uri).unlink()
    (setup.place.home / "elsewhere").mkdir()
    runner = runner_of(setup.place.home, NERVESYS_ARTIFACTS=f"file://{setup.place.home}/elsewhere")
    assert runner.run_once("files")
    assert (value(runner, "artifact_files"), value(runner, "artifact_missing_files")) == ("0", "1")


def test_a_changed_content_is_counted_until_it_is_repaired(
    setup: ServiceSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checksums, "AT_ONCE", 2)
    grok = setup.artifacts()
    made = [grok.put(f"{number}", "note") for number in range(3)]
    path_of(made[2].uri).write_text("x")
    path_of(made[1].uri).unlink()
    runner = runner_of(setup.place.home)

    def mismatched() -> str | None:
        for _ in range(3):
            assert runner.run_once("checksums")
        return value(runner, "artifact_checksum_mismatches")

    assert mismatched() == "1"
    path_of(made[2].uri).write_text("2")
    assert mismatched() == "0"


def test_a_pass_compares_no_more_than_its_budget(setup: ServiceSetup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checksums, "BUDGET_BYTES", 10)
    for _ in range(3):
        setup.artifacts().put("x" * 100, "note")
    runner = runner_of(setup.place.home)
    for count in ("1", "2", "3"):
        assert runner.run_once("checksums")
        assert value(runner, "artifact_checksum_comparisons_total") == count


def test_waiting_requests_are_exported_and_a_broken_file_costs_its_agent_only(setup: ServiceSetup) -> None:
    delivery = setup.delivery(pauses=())
    setup.stop()
    setup.artifacts("grok", delivery).put("x", "note")
    (setup.place.home / "agents/grok").rename(setup.place.home / "agents/GROK")
    (setup.place.home / "agents/qwen").mkdir()
    (setup.place.home / "agents/qwen/artifacts.sqlite3").write_bytes(b"not a database" * 100)
    runner = runner_of(setup.place.home)
    assert runner.run_once("waiting")
    assert value(runner, 'artifact_waiting_requests{agent="grok"}') == "1"
    assert value(runner, 'artifact_waiting_requests{agent="qwen"}') is None
    assert value(runner, 'exporter_rejected_objects_total{reason="bad_value",source="artifacts"}') == "1.0"


def test_it_cannot_write(setup: ServiceSetup) -> None:
    setup.artifacts().put("x", "note")
    reader = ReadOnlyDatabase(f"sqlite:///{setup.place.manifests}", "the manifests")
    with pytest.raises(Exception, match="readonly"), reader.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM manifests")
    assert sqlite3.connect(setup.place.manifests).execute("SELECT count(*) FROM manifests").fetchone() == (1,)

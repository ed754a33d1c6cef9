"""`nervesys artifacts`, against a service that runs."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from nervesys.clock import system_clock
from tests.commands.conftest import Run
from tests.nervesys.artifacts.service_setup import ServiceSetup


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServiceSetup]:
    now = system_clock() - 2 * 86_400
    with ServiceSetup(tmp_path, clock=lambda: now) as made:
        monkeypatch.setenv("NERVESYS_HOME", str(tmp_path))
        monkeypatch.setenv("NERVESYS_ARTIFACTS_SERVICE", f"http://{made.address}")
        yield made


def test_they_are_listed_and_shown_whole(run: Run, setup: ServiceSetup) -> None:
    made = setup.artifacts().put("# Plan", "plan", trace="sprint-12", model_name="grok-4")
    setup.artifacts().put("x", "note")
    listed = run("artifacts", "list", "--trace", "sprint-12").out
    assert made.id in listed
    assert "note" not in listed
    assert json.loads(run("artifacts", "list", "--json", "--type", "plan").out)[0]["id"] == made.id
    shown = run("artifacts", "get", made.id).out
    assert f"checksum            {made.checksum}" in shown
    assert "context.model_name  grok-4" in shown
    assert run("artifacts", "list", "--as", "qwen").out == "No artifacts.\n"


def test_a_missing_artifact_is_an_error(run: Run, setup: ServiceSetup) -> None:
    ran = run("artifacts", "get", "01ARZ3NDEKTSV4RRFFQ69G5FAV")
    assert (ran.code, ran.out) == (1, "")
    assert "there is no artifact 01ARZ3NDEKTSV4RRFFQ69G5FAV" in ran.err
    assert "set NERVESYS_ARTIFACTS_TOKEN" in run("artifacts", "list", "--as", "nobody").err
    setup.stop()
    assert "cannot connect" in run("artifacts", "list").err


def test_garbage_collection_prints_what_it_deletes(run: Run, setup: ServiceSetup) -> None:
    (setup.place.home / "agents").mkdir()
    assert run("artifacts", "gc").out == "Nothing to delete.\n"
    made = setup.artifacts().put("x", "note", retention=1)
    setup.stop()
    setup.clock = system_clock
    setup.start()
    output = run("artifacts", "gc", "--dry-run").out
    assert made.id in output
    assert "Dry run: nothing was deleted." in output
    assert setup.has_content(made)
    assert made.id in run("artifacts", "gc").out
    assert not setup.has_content(made)
    assert run("artifacts", "gc").out == "Nothing to delete.\n"

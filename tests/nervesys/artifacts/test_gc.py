"""What may go goes, and nothing else; the plan comes first, and is not exceeded."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nervesys.artifacts.api import Api
from nervesys.artifacts.api_client import ServiceRefusal
from nervesys.artifacts.files import ContentUnavailable
from nervesys.artifacts.manifest import ArtifactStatus, Manifest
from nervesys.artifacts.tokens import ADMIN
from tests.nervesys.artifacts.service_setup import ServiceSetup, uri_of

BEGAN = 1_800_000_000.0
DAY = 86_400


class ManualClock:
    """A clock that is moved by hand."""

    now = BEGAN

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def setup(tmp_path: Path, clock: ManualClock) -> Iterator[ServiceSetup]:
    with ServiceSetup(tmp_path, clock=clock) as made:
        yield made


def run(setup: ServiceSetup, *, dry_run: bool) -> set[tuple[str, str]]:
    found = setup.caller(ADMIN).send("POST", "gc", query={"dry_run": dry_run})
    return {(item["why"], item["uri"]) for item in found["going"]}


def path_of(uri: str) -> Path:
    return Path(uri.removeprefix("file://"))


def lonely(beside: Manifest, age: float, now: float) -> str:
    uri = beside.uri.rsplit("/", 1)[0] + f"/lonely-{age}"
    path_of(uri).write_text("lonely")
    os.utime(path_of(uri), (now - age,) * 2)
    return uri


def started(setup: ServiceSetup, beside: Manifest) -> Manifest:
    id_ = "01KATE00000000000000000001"
    manifest = beside.model_copy(
        update={"id": id_, "uri": uri_of(setup, beside, id_), "status": ArtifactStatus.UPLOADING}
    )
    setup.caller().send("POST", "artifacts", manifest.model_dump_json().encode())
    return manifest


def test_what_may_go_goes_and_the_rest_stays(setup: ServiceSetup, clock: ManualClock) -> None:
    grok = setup.artifacts()
    kept, for_a_week = grok.put("kept", "note"), grok.put("for a week", "note", retention=7)
    for_a_year, given_up = grok.put("for a year", "note", retention=365), started(setup, kept)
    clock.now = BEGAN + 8 * DAY
    old, young = lonely(kept, 31 * DAY, clock.now), lonely(kept, 29 * DAY, clock.now)
    may_go = {("expired", for_a_week.uri), ("given up", given_up.uri), ("orphan", old)}
    assert run(setup, dry_run=True) == may_go
    assert (setup.has_content(for_a_week), setup.files.size(old)) == (True, 6)
    assert run(setup, dry_run=False) == may_go
    assert {item.id for item in grok.list()} == {kept.id, for_a_year.id}
    assert {found.uri for found in setup.files.all()} == {kept.uri, for_a_year.uri, young}
    assert run(setup, dry_run=False) == set()


def test_one_run_deletes_no_more_than_its_limit(tmp_path: Path, clock: ManualClock) -> None:
    with ServiceSetup(tmp_path, clock=clock, delete_at_most=2) as setup:
        for _ in range(3):
            setup.artifacts().put("x", "note", retention=1)
        clock.now += 2 * DAY
        left = [setup.caller(ADMIN).send("POST", "gc", query={"dry_run": False})["left"] for _ in range(2)]
        assert left == [1, 0]
        assert list(setup.files.all()) == []


def test_what_changed_since_the_plan_stays(
    setup: ServiceSetup, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = setup.artifacts().put("whole", "note")
    late = started(setup, kept)
    planned = Api._make_plan

    def and_then_completed(self: Api, limits: Any) -> Any:
        plan = planned(self, limits)
        path_of(late.uri).parent.mkdir(exist_ok=True)
        path_of(late.uri).write_text("whole")
        setup.caller().send("POST", f"artifacts/{late.id}/completed", b"{}")
        return plan

    monkeypatch.setattr(Api, "_make_plan", and_then_completed)
    clock.now += 2 * DAY
    assert run(setup, dry_run=False) == set()
    assert setup.artifacts().read(late.id) == b"whole"


def test_what_was_forgotten_and_not_yet_deleted_is_found_by_the_next_run(
    setup: ServiceSetup, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = setup.artifacts().put("x", "note", retention=1)
    clock.now += 60 * DAY

    def fails(*_: object) -> None:
        raise ContentUnavailable("the process is killed here")

    with monkeypatch.context() as broken:
        broken.setattr("nervesys.artifacts.files.ContentStorage.delete", fails)
        with pytest.raises(Exception, match="503"):
            run(setup, dry_run=False)
    assert list(setup.artifacts().list()) == []
    os.utime(path_of(made.uri), (BEGAN, BEGAN))
    assert run(setup, dry_run=False) == {("orphan", made.uri)}
    assert not setup.has_content(made)


def test_only_the_administrator_cleans_up(setup: ServiceSetup) -> None:
    with pytest.raises(ServiceRefusal) as refused:
        setup.caller("grok").send("POST", "gc")
    assert refused.value.status == 403

"""What may go goes, and nothing else; the plan comes first, and is not exceeded."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nervesys.artifacts.api import Api
from nervesys.artifacts.api_client import RequestRefused
from nervesys.artifacts.files import FilesUnavailable
from nervesys.artifacts.manifest import Manifest, Status
from nervesys.artifacts.tokens import ADMIN
from tests.nervesys.artifacts.world import World

BEGAN = 1_800_000_000.0
DAY = 86_400


class Hand:
    """A clock that is moved by hand."""

    now = BEGAN

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def world(tmp_path: Path, clock: Hand) -> Iterator[World]:
    with World(tmp_path, clock=clock) as made:
        yield made


def run(world: World, *, dry_run: bool) -> set[tuple[str, str]]:
    found = world.caller(ADMIN).ask("POST", "gc", asked={"dry_run": dry_run})
    return {(one["why"], one["uri"]) for one in found["going"]}


def path_of(uri: str) -> Path:
    return Path(uri.removeprefix("file://"))


def lonely(beside: Manifest, age: float, now: float) -> str:
    uri = beside.uri.rsplit("/", 1)[0] + f"/lonely-{age}"
    path_of(uri).write_text("lonely")
    os.utime(path_of(uri), (now - age,) * 2)
    return uri


def started(world: World, beside: Manifest) -> Manifest:
    id_ = "01KATE00000000000000000001"
    said = beside.model_copy(update={"id": id_, "uri": world.files.uri(id_), "status": Status.UPLOADING})
    world.caller().ask("POST", "artifacts", said.model_dump_json().encode())
    return said


def test_what_may_go_goes_and_the_rest_stays(world: World, clock: Hand) -> None:
    grok = world.artifacts()
    kept, for_a_week = grok.put("kept", "note"), grok.put("for a week", "note", retention=7)
    for_a_year, given_up = grok.put("for a year", "note", retention=365), started(world, kept)
    clock.now = BEGAN + 8 * DAY
    old, young = lonely(kept, 31 * DAY, clock.now), lonely(kept, 29 * DAY, clock.now)
    may_go = {("expired", for_a_week.uri), ("given up", given_up.uri), ("orphan", old)}
    assert run(world, dry_run=True) == may_go
    assert (world.lies_there(for_a_week), world.files.size(old)) == (True, 6)
    assert run(world, dry_run=False) == may_go
    assert {one.id for one in grok.list()} == {kept.id, for_a_year.id}
    assert {found.uri for found in world.files.all()} == {kept.uri, for_a_year.uri, young}
    assert run(world, dry_run=False) == set()


def test_one_run_deletes_no_more_than_its_limit(tmp_path: Path, clock: Hand) -> None:
    with World(tmp_path, clock=clock, delete_at_most=2) as world:
        for _ in range(3):
            world.artifacts().put("x", "note", retention=1)
        clock.now += 2 * DAY
        left = [world.caller(ADMIN).ask("POST", "gc", asked={"dry_run": False})["left"] for _ in range(2)]
        assert left == [1, 0]
        assert list(world.files.all()) == []


def test_what_changed_since_the_plan_stays(world: World, clock: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = world.artifacts().put("whole", "note")
    late = started(world, kept)
    planned = Api._planned

    def and_then_completed(self: Api, limits: Any) -> Any:
        plan = planned(self, limits)
        path_of(late.uri).parent.mkdir(exist_ok=True)
        path_of(late.uri).write_text("whole")
        world.caller().ask("POST", f"artifacts/{late.id}/completed", b"{}")
        return plan

    monkeypatch.setattr(Api, "_planned", and_then_completed)
    clock.now += 2 * DAY
    assert run(world, dry_run=False) == set()
    assert world.artifacts().read(late.id) == b"whole"


def test_what_was_forgotten_and_not_yet_deleted_is_found_by_the_next_run(
    world: World, clock: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = world.artifacts().put("x", "note", retention=1)
    clock.now += 60 * DAY

    def fails(*_: object) -> None:
        raise FilesUnavailable("the process is killed here")

    with monkeypatch.context() as broken:
        broken.setattr("nervesys.artifacts.files.Files.delete", fails)
        with pytest.raises(Exception, match="503"):
            run(world, dry_run=False)
    assert list(world.artifacts().list()) == []
    os.utime(path_of(made.uri), (BEGAN, BEGAN))
    assert run(world, dry_run=False) == {("orphan", made.uri)}
    assert not world.lies_there(made)


def test_only_the_administrator_cleans_up(world: World) -> None:
    with pytest.raises(RequestRefused) as refused:
        world.caller("grok").ask("POST", "gc")
    assert refused.value.status == 403

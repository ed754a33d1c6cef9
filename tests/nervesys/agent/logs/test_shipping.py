"""Shipping: confirmed before it is deleted, never twice under two keys, and not all agents at once after a failure."""

import gzip
from pathlib import Path
from typing import IO

import pytest

from nervesys.agent.identity import identify
from nervesys.agent.logs.shipping import Shipper
from nervesys.errors import NervesysError, StoreUnavailable
from nervesys.stores.open_stores import load_configuration
from tests.brains import NOON
from tests.nervesys.agent.logs.kit import a_buffer, logged
from tests.stores import FolderStore

FOLDER = "db/active_logs/host-1/2026-01-01"


class Flaky(FolderStore):
    """Fails as often as listed: `before` or `after` the object is there."""

    failures: list[str]

    def put(self, key: str, body: bytes | IO[bytes], *, content_type: str = "") -> str:
        failure = self.failures.pop(0) if self.failures else ""
        if failure == "before":
            raise StoreUnavailable("put: refused")
        version = super().put(key, body, content_type=content_type)
        if failure == "after":
            raise StoreUnavailable("put: no answer")
        return version


class World:
    """A buffer, a store that may fail, and a clock that goes on by itself."""

    def __init__(self, folder: Path, brain: Path) -> None:
        self.now = float(NOON)
        self.bucket = folder / "bucket"
        self.store = Flaky(self.bucket)
        self.store.failures = []
        self.buffer = a_buffer(folder)
        base = load_configuration("agent-grok", {}, home=str(folder / "home"), brain=str(brain))
        self.shipper = Shipper(self.store, self.buffer, identify("grok", "host-1", base, {}, self.now), self._tick)

    def _tick(self) -> float:
        self.now += 1
        return self.now

    def log(self, message: str) -> None:
        self.buffer.append(logged(message))

    def shipped(self) -> dict[str, bytes]:
        return {file.name: gzip.decompress(file.read_bytes()) for file in sorted((self.bucket / FOLDER).glob("*"))}


@pytest.fixture
def world(tmp_path: Path, brain: Path) -> World:
    return World(tmp_path, brain)


@pytest.fixture
def small(tmp_path: Path, brain: Path) -> World:
    """Its batches have room for two records of `LONG`."""
    (brain / "config/agents/grok.yaml").write_text("agent: {name: grok, buffer: {flush_on_size_mb: 0.0003}}")
    return World(tmp_path, brain)


LONG = "x" * 100


def test_keys_are_unique_and_in_order(world: World) -> None:
    for message in ("a", "b"):
        world.log(message)
        world.shipper.ship()
    assert world.shipped() == {
        "120001_grok_00000001.jsonl.gz": b'{"message":"a"}\n',
        "120002_grok_00000002.jsonl.gz": b'{"message":"b"}\n',
    }


def test_without_records_no_object_is_written(world: World) -> None:
    world.shipper.ship()
    assert not world.bucket.exists()


@pytest.mark.parametrize("failure", ["before", "after"])
def test_what_was_not_confirmed_is_sent_again_under_the_same_key(world: World, failure: str) -> None:
    world.store.failures = [failure, failure]
    world.log("kept")
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            world.shipper.ship()
    world.log("later")
    world.shipper.ship()
    assert world.shipped() == {
        "120001_grok_00000001.jsonl.gz": b'{"message":"kept"}\n',
        "120002_grok_00000002.jsonl.gz": b'{"message":"later"}\n',
    }
    assert world.buffer.state().records == 0


def test_each_failure_doubles_the_pause_up_to_the_interval_and_a_success_ends_that(world: World) -> None:
    interval = world.shipper.pause()
    world.log("kept")
    world.store.failures = ["before"] * 9
    for longest in (5, 10, 20, 40, 80, 160, 320, interval, interval):
        with pytest.raises(StoreUnavailable):
            world.shipper.ship()
        assert longest / 2 <= world.shipper.pause() <= longest
    world.shipper.ship()
    assert world.shipper.pause() == interval == 600


def test_an_outage_of_days_leaves_the_pause_at_the_interval(world: World) -> None:
    world.shipper._failures = 5000
    assert 300 <= world.shipper.pause() <= 600


def test_after_a_failure_agents_try_again_at_different_times(world: World) -> None:
    world.log("kept")
    world.store.failures = ["before"] * 3
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            world.shipper.ship()
    pauses = {world.shipper.pause() for _ in range(20)}
    assert len(pauses) > 1, "without jitter the whole fleet would hit a store that comes back at the same instant"
    assert max(pauses) <= 20


def test_nearly_a_whole_batch_is_to_leave_at_once_but_not_while_the_store_refuses(small: World) -> None:
    for full in (False, True):
        small.log(LONG)
        small.buffer.commit()
        assert small.shipper.full is full
    small.store.failures = ["before"]
    with pytest.raises(StoreUnavailable):
        small.shipper.ship()
    assert not small.shipper.full, "it waits for the pause"


def test_a_backlog_of_several_batches_is_shipped_at_once(small: World) -> None:
    for _ in range(7):
        small.log(LONG)
    small.shipper.ship()
    assert [body.count(b"\n") for body in small.shipped().values()] == [2, 2, 2, 1]
    assert small.buffer.state().records == 0


def test_what_is_on_the_disk_leaves_although_the_disk_takes_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses() -> None:
        raise NervesysError("write the buffer: the disk is full")

    world.log("kept")
    world.buffer.commit()
    monkeypatch.setattr(world.buffer, "commit", refuses)
    world.shipper.ship()
    assert list(world.shipped().values()) == [b'{"message":"kept"}\n']

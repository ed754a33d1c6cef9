"""Shipping: confirmed before it is deleted, and never twice under two keys."""

import gzip
from pathlib import Path
from typing import IO

import pytest

from nervesys.agent.identity import identify
from nervesys.agent.ship import Shipper
from nervesys.errors import StoreUnavailable
from nervesys.stores.opened import opened
from tests.brains import NOON
from tests.nervesys.agent.kit import a_buffer, said
from tests.stores import FolderStore

FOLDER = "db/active_logs/host-1/2026-01-01"


class Flaky(FolderStore):
    """Fails as often as it is told to: `before` or `after` the object is there."""

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
        base = opened("agent-grok", {}, home=str(folder / "home"), brain=str(brain))
        self.shipper = Shipper(self.store, self.buffer, identify("grok", "host-1", base, {}, self.now), self._tick)

    def _tick(self) -> float:
        self.now += 1
        return self.now

    def log(self, message: str) -> None:
        self.buffer.append(said(message))

    def shipped(self) -> dict[str, bytes]:
        return {file.name: gzip.decompress(file.read_bytes()) for file in sorted((self.bucket / FOLDER).glob("*"))}


@pytest.fixture
def world(tmp_path: Path, brain: Path) -> World:
    return World(tmp_path, brain)


def test_keys_are_unique_and_in_order(world: World) -> None:
    for message in ("a", "b"):
        world.log(message)
        world.shipper.ship()
    assert world.shipped() == {
        "120001_grok_00000001.jsonl.gz": b'{"message":"a"}\n',
        "120002_grok_00000002.jsonl.gz": b'{"message":"b"}\n',
    }


def test_nothing_to_say_makes_no_object(world: World) -> None:
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

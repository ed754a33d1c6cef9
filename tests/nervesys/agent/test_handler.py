"""The bridge from logging: any record gets through, and none stops its caller."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nervesys.agent.buffer import Buffer
from nervesys.agent.handler import BufferHandler


class World:
    """A logger, and what of it arrives in the buffer."""

    def __init__(self, folder: Path) -> None:
        self.buffer = Buffer(folder / "buffer.sqlite3", 1_000_000)
        self.log = logging.getLogger("author")
        self.log.setLevel(1)
        self.handler = BufferHandler("grok", self.buffer)
        self.log.addHandler(self.handler)

    def arrived(self) -> list[dict[str, Any]]:
        self.buffer.commit()
        self.buffer.seal(lambda category, first: str(first), by_category=False)
        return [json.loads(line) for batch in self.buffer.batches() for line in self.buffer.lines(batch).splitlines()]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.log.removeHandler(world.handler)


@pytest.mark.parametrize(
    ("number", "level", "category"),
    [
        (5, "DEBUG", "activity"),
        (logging.DEBUG, "DEBUG", "activity"),
        (logging.INFO, "INFO", "activity"),
        (25, "INFO", "activity"),
        (logging.WARNING, "WARN", "activity"),
        (logging.ERROR, "ERROR", "errors"),
        (logging.CRITICAL, "ERROR", "errors"),
    ],
)
def test_levels(world: World, number: int, level: str, category: str) -> None:
    world.log.log(number, "x")
    (record,) = world.arrived()
    assert (record["level"], record["category"]) == (level, category)


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"category": "audit"}, {"category": "audit"}),
        ({"category": "gossip"}, {"category": "other"}),
        ({"action": "plan", "context": {"file": "a.py"}}, {"action": "plan", "context": {"file": "a.py"}}),
        ({"metadata": {"tokens_used": 7}}, {"metadata": {"tokens_used": 7}}),
        ({"metadata": None, "context": {}}, {}),
    ],
)
def test_extra(world: World, extra: dict[str, Any], said: dict[str, Any]) -> None:
    world.log.info("x", extra=extra)
    (record,) = world.arrived()
    plain = {"agent_id": "grok", "level": "INFO", "category": "activity", "action": "author", "message": "x"}
    del record["timestamp"]
    assert record == plain | said


def test_a_message_is_made_when_it_is_logged(world: World) -> None:
    growing = [1]
    world.log.info("%s", growing)
    growing.append(2)
    assert world.arrived()[0]["message"] == "[1]"


def test_an_exception_goes_along(world: World) -> None:
    world.log.error("x", exc_info=ValueError("no"))
    context = world.arrived()[0]["context"]
    assert (context["exception"], context["traceback"]) == ("ValueError", "ValueError: no")


def test_a_wrong_format_does_not_stop_the_caller(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.handler.handle(logging.makeLogRecord({"msg": "%d", "args": ("x",)}))
    world.log.info("next")
    assert [record["message"] for record in world.arrived()] == ["next"]
    assert "Logging error" in capsys.readouterr().err

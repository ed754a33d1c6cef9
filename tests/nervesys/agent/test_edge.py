"""Logs are judged before they are shipped: routine records are shipped as one, all others as they are."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from nervesys.agent.edge import EdgeFilter
from nervesys.agent.identity import Identity
from nervesys.analysis import Analyst, NoModelAnswer, make_analyst
from nervesys.contract.times import DAY_SECONDS
from nervesys.settings import load
from tests.servers.model import ModelServer, model_server


@dataclass
class Time:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Edge:
    """A filter, its model and its clock."""

    filter: EdgeFilter
    model: ModelServer
    clock: Time

    def ship(self, *lines: bytes) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.filter.reduce([b"".join(lines)])]


@contextmanager
def edge_filter(folder: Path) -> Iterator[Edge]:
    clock = Time()
    with model_server() as model:
        cloud = load().settings.alibaba.alibaba_cloud.model_copy(update={"enabled": True, "base_url": model.url})
        analyst = cast("Analyst", make_analyst(cloud, folder / "memory.sqlite3", str, clock))
        me = cast("Identity", SimpleNamespace(log=logging.getLogger("agents.grok")))
        yield Edge(EdgeFilter(me, analyst, clock), model, clock)
        analyst.close()


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    with edge_filter(tmp_path) as made:
        yield made


def line(message: str, second: int = 0, **fields: Any) -> bytes:
    record = {
        "timestamp": f"2027-01-15T08:00:{second:02}Z",
        "agent_id": "grok",
        "level": "INFO",
        "category": "activity",
        "action": "poll",
        "message": message,
    }
    return json.dumps(record | fields).encode() + b"\n"


def polls(count: int) -> list[bytes]:
    return [line(f"polled page {number}", number) for number in range(count)]


def test_a_kind_is_shipped_whole_until_it_is_judged_and_as_one_record_afterwards(edge: Edge) -> None:
    assert len(edge.ship(*polls(5))) == 5
    edge.filter.judge_waiting()
    assert len(edge.model.asked) == 1
    (record,) = edge.ship(*polls(5))
    assert record["message"] == "polled page 0"
    assert (record["context"]["records"], record["context"]["until"]) == (5, "2027-01-15T08:00:04.000Z")
    edge.filter.judge_waiting()
    assert len(edge.model.asked) == 1


def test_what_the_model_does_not_call_routine_is_shipped_whole(edge: Edge) -> None:
    edge.model.content = '{"severity": "critical", "reason": "each is an order"}'
    edge.ship(*polls(3))
    edge.filter.judge_waiting()
    assert len(edge.ship(*polls(3))) == 3


@pytest.mark.parametrize(
    "fields",
    [
        {"level": "ERROR", "category": "errors"},
        {"level": "WARN"},
        {"category": "audit"},
        {"metadata": {"tokens_used": 5}},
        {"context": {"duration_ms": 7}},
    ],
)
def test_errors_audit_and_what_is_counted_are_neither_judged_nor_reduced(edge: Edge, fields: dict[str, Any]) -> None:
    lines = [line(f"number {number}", **fields) for number in range(3)]
    assert len(edge.ship(*lines)) == 3
    edge.filter.judge_waiting()
    assert edge.model.asked == []


def test_lines_that_are_no_records_and_single_records_stay_as_they_are(edge: Edge) -> None:
    edge.ship(*polls(1))
    edge.filter.judge_waiting()
    lines = [b'{"x": 1}\n', *polls(1)]
    assert b"".join(edge.filter.reduce(lines)) == b"".join(lines)


def test_without_an_answer_everything_is_shipped_and_asked_again(edge: Edge) -> None:
    edge.model.status = 500
    edge.ship(*polls(3))
    with pytest.raises(NoModelAnswer):
        edge.filter.judge_waiting()
    assert len(edge.ship(*polls(3))) == 3
    edge.model.status = 200
    edge.clock.now += 60
    edge.filter.judge_waiting()
    assert len(edge.ship(*polls(3))) == 1


def test_a_verdict_holds_for_a_day(edge: Edge) -> None:
    edge.ship(*polls(2))
    edge.filter.judge_waiting()
    edge.clock.now += DAY_SECONDS
    assert len(edge.ship(*polls(2))) == 2


def test_a_restart_asks_nothing_twice(tmp_path: Path) -> None:
    for asked in (1, 0):
        with edge_filter(tmp_path) as edge:
            edge.ship(*polls(2))
            edge.filter.judge_waiting()
            assert len(edge.model.asked) == asked
            assert len(edge.ship(*polls(2))) == 1

"""The logging handler: every record gets through, in the contract's form, and none stops its caller.

Covers: nervesys.agent.logs, nervesys.agent.logs.handler, nervesys.agent.logs.json_encoding,
nervesys.agent.logs.records.
"""

import enum
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog

from nervesys.agent.logs.handler import BufferHandler, LoggedRecord, render_for_logging
from nervesys.agent.logs.records import LINE_CHARACTERS, RUN_RECORDS, RecordEncoder
from nervesys.contract import Category, LogRecord
from nervesys.redact import MASK, Redactor


class World:
    """A logger, and the lines that it writes."""

    def __init__(self) -> None:
        self.logged: list[LoggedRecord] = []
        self.log = logging.getLogger("author")
        self.log.setLevel(1)
        redactor = Redactor()
        self.encoder = RecordEncoder("grok", "0123-4567-89ab-cdef", redactor)
        self.handler = BufferHandler(self.logged.append, redactor.text)
        self.log.addHandler(self.handler)

    def arrived(self) -> list[dict[str, Any]]:
        lines = b"".join(run.lines for run in self.encoder.runs(self.logged)).splitlines()
        for line in lines:
            LogRecord.parse(line)
        return [orjson.loads(line) for line in lines]


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
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
    ("extra", "expected"),
    [
        ({"category": "audit"}, {"category": "audit"}),
        ({"category": "gossip"}, {"category": "other"}),
        ({"action": "plan", "context": {"file": "a.py"}}, {"action": "plan", "context": {"file": "a.py"}}),
        ({"metadata": {"tokens_used": 7}}, {"metadata": {"tokens_used": 7}}),
        ({"metadata": None, "context": {}}, {}),
        ({"context": "no object"}, {"context": {"value": "no object"}}),
    ],
)
def test_extra(world: World, extra: dict[str, Any], expected: dict[str, Any]) -> None:
    world.log.info("x", extra=extra)
    (record,) = world.arrived()
    plain = {"agent_id": "grok", "level": "INFO", "category": "activity", "action": "author", "message": "x"}
    del record["timestamp"], record["id"]
    assert record == plain | expected


def test_each_record_has_an_id_of_its_own(world: World) -> None:
    for _ in range(3):
        world.log.info("the same")
    assert [record["id"] for record in world.arrived()] == [f"0123456789ab-{number}" for number in (1, 2, 3)]


def test_a_record_is_taken_as_it_is_when_it_is_logged(world: World) -> None:
    growing, context = [1], {"deep": {"files": ["a"]}}
    world.log.info("%s", growing, extra={"context": context})
    growing.append(2)
    context["deep"]["files"].append("b")
    (record,) = world.arrived()
    assert (record["message"], record["context"]) == ("[1]", {"deep": {"files": ["a"]}})


class Colour(enum.Enum):
    RED = "red"


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("ünï\n", "ünï\n"),
        (float("nan"), None),
        (b"\xff", "\ufffd"),
        ("half a pair \ud800", "half a pair ?"),
        (Path("/x"), "/x"),
        (10**30, str(10**30)),
        ({1: {2: "x"}}, {"1": {"2": "x"}}),
        ({"a"}, ["a"]),
        (Colour.RED, "red"),
        (Broken(), "<Broken>"),
    ],
)
def test_every_value_becomes_json(world: World, value: Any, expected: Any) -> None:
    world.log.info("x", extra={"context": {"value": value}})
    assert world.arrived()[0]["context"] == {"value": expected}


def test_values_of_other_types_where_text_belongs(world: World) -> None:
    world.log.info("x", extra={"action": Broken(), "category": Category.AUDIT})
    world.log.info("x", extra={"action": "half a pair \ud800", "category": Broken()})
    odd, half = world.arrived()
    assert (odd["action"], odd["category"]) == ("<Broken>", "audit")
    assert (half["action"], half["category"]) == ("half a pair ?", "other")


def test_a_value_that_holds_itself(world: World) -> None:
    value: dict[str, Any] = {}
    value["self"] = value
    odd = world.log.makeRecord("author", logging.INFO, "", 0, "half a pair \ud800", (), None, None, {"context": value})
    world.handler.handle(odd)  # itself alone: others, such as those who report on tests, cannot write half a pair
    assert world.arrived()[0]["message"] == "half a pair ?"


def test_secrets_do_not_get_through(world: World) -> None:
    error = ValueError("ghp_" + "Q7" * 18)
    extra = {"context": {"auth": {"x": 1}}, "action": "sk-" + "a" * 30}
    world.log.error("called with password=hunter2", extra=extra, exc_info=error)
    (record,) = world.arrived()
    assert record["message"] == f"called with password={MASK}"
    assert (record["action"], record["context"]["auth"], record["context"]["exception"]) == (MASK, MASK, "ValueError")
    assert "Q7" not in record["context"]["traceback"]


def test_a_record_has_its_bounds(world: World) -> None:
    world.log.info("x" * 1_000_000, extra={"context": {"a": 1}})
    world.log.info("y", extra={"context": {str(number): "x" * 500 for number in range(1000)}})
    long, wide = world.arrived()
    assert len(long["message"]) < LINE_CHARACTERS
    assert long["context"] == {"a": 1}
    assert wide["message"] == "y"
    assert wide["context"]["left_out_bytes"] > LINE_CHARACTERS


def test_consecutive_records_of_the_same_kind_form_a_run(world: World) -> None:
    for number in range(RUN_RECORDS + 1):
        world.log.info("read %d", number, extra={"context": {"file": "a.py"}})
    world.log.info("called with password=hunter2")
    world.log.warning("slow")
    world.log.warning("slow", extra={"category": "audit"})
    world.log.info("done")
    runs = list(world.encoder.runs(world.logged))
    kinds = [(run.level, run.category, run.records) for run in runs]
    alike = (1, "activity")
    assert kinds == [(*alike, RUN_RECORDS), (*alike, 2), (2, "activity", 1), (2, "audit", 1), (*alike, 1)]
    records = [orjson.loads(line) for run in runs for line in run.lines.splitlines()]
    numbered = [f"read {number}" for number in range(RUN_RECORDS + 1)]
    expected = [record["message"] for record in records]
    assert expected == [*numbered, f"called with password={MASK}", "slow", "slow", "done"]
    assert [run.at for run in runs] == [world.logged[at].at for at in (0, RUN_RECORDS, -3, -2, -1)]


def test_an_exception_goes_along(world: World) -> None:
    world.log.error("x", exc_info=ValueError("no"), stack_info=True)
    context = world.arrived()[0]["context"]
    assert (context["exception"], context["traceback"]) == ("ValueError", "ValueError: no")
    assert "test_an_exception_goes_along" in context["stack"]


def test_of_a_long_traceback_the_end_goes_along(world: World) -> None:
    world.log.error("x", exc_info=ValueError("begin " + "x" * 9000 + " token=abc end"))
    trace = world.arrived()[0]["context"]["traceback"]
    assert len(trace) == 4000
    assert trace.endswith(f"x token={MASK} end")


def test_a_wrong_format_does_not_stop_the_caller(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.handler.handle(logging.makeLogRecord({"msg": "%d", "args": ("x",)}))
    world.log.info("next")
    assert [record["message"] for record in world.arrived()] == ["next"]
    assert "Logging error" in capsys.readouterr().err


def test_filters_hold(world: World) -> None:
    world.handler.addFilter(lambda record: "secret plan" not in record.getMessage())
    world.log.info("the secret plan")
    assert world.arrived() == []


def test_structlog_logs_through_logging(world: World) -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            render_for_logging,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    try:
        log = structlog.get_logger("author").bind(repository="shop")
        log.info("reviewed 100%", action="review", metadata={"gen_ai.usage.input_tokens": 7}, file="cart.py")
        log.warning("odd", context={"file": "a.py"}, api_key="abc")
        log.error("failed", category="audit", exc_info=ValueError("no"))
    finally:
        structlog.reset_defaults()
    reviewed, odd, failed = world.arrived()
    assert (reviewed["message"], reviewed["action"]) == ("reviewed 100%", "review")
    assert reviewed["context"] == {"repository": "shop", "file": "cart.py"}
    assert LogRecord.parse(orjson.dumps(reviewed)).metadata.tokens == 7
    assert (odd["level"], odd["context"]) == ("WARN", {"file": "a.py", "repository": "shop", "api_key": MASK})
    assert (failed["level"], failed["category"], failed["context"]["exception"]) == ("ERROR", "audit", "ValueError")

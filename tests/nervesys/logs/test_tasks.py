"""Tasks from the records about them."""

import json
from typing import Any

import pytest

from nervesys.logs.entries import parse_entry
from nervesys.logs.tasks import TaskRun, read_tasks
from nervesys.settings import load
from nervesys.settings.prices import Price, Prices
from tests.nervesys.logs.fleet_logs import NOW, record

PRICES = load().settings.prices.model_copy(update={"per_million_tokens": {"grok-4": (Price(input=10, output=10),)}})


def tasks(*records: dict[str, Any]) -> list[TaskRun]:
    return list(read_tasks((parse_entry(json.dumps(fields).encode(), "srv-1", None) for fields in records), PRICES))


def test_a_task_has_its_start_outcome_tokens_and_cost() -> None:
    [task] = tasks(
        record(NOW, context={"duration_ms": 1500}, metadata={"model_version": "grok-4", "tokens_used": 200_000})
    )
    assert task == TaskRun(NOW - 1.5, 1.5, "grok", "srv-1", "review", "completed", 200_000, "grok-4", 2.0, "")
    assert task.as_json()["started"] == "2026-03-20T11:59:58.500Z"


def test_a_task_costs_what_budgets_count_for_it() -> None:
    """By kind of token, and at the price of its day."""
    prices = [{"input": 1, "output": 10}, {"from": "2027-01-01", "input": 100, "output": 100}]
    settings = Prices.model_validate({"currency": "USD", "per_million_tokens": {"grok-4": prices}})
    usage = {"model_version": "grok-4", "input_tokens": 900_000, "output_tokens": 100_000}
    line = json.dumps(record(NOW, context={"duration_ms": 1}, metadata=usage)).encode()
    [task] = read_tasks([parse_entry(line, "srv-1", None)], settings)
    assert task.cost == pytest.approx(1.9)


def test_the_error_of_a_failed_task_is_the_last_line_of_its_traceback_or_its_message() -> None:
    context = {"duration_ms": 10, "traceback": "Traceback:\n  File x\nValueError: no such branch\n"}
    first, second = tasks(
        record(NOW, level="ERROR", context=context), record(NOW, level="ERROR", context={"duration_ms": 10})
    )
    assert (first.outcome, first.error) == ("failed", "ValueError: no such branch")
    assert (second.error, second.tokens, second.cost, second.model) == ("line 0", None, None, "")


def test_other_records_are_no_tasks() -> None:
    assert tasks(record(NOW), record(NOW, message='"duration_ms"'), record(NOW, context={"duration_ms": "long"})) == []

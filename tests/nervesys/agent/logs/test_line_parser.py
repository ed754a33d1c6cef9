"""Lines that a program prints, parsed into records."""

import json
import logging
from typing import Any

import pytest

from nervesys.agent.logs.line_parser import parse_line


def parse(line: str, stream: str = "stdout") -> Any:
    return parse_line(line, stream, logger="agents.grok", action="review.sh", now=1000.0)


@pytest.mark.parametrize(
    ("line", "stream", "level"),
    [
        ("hello", "stdout", "INFO"),
        ("hello", "stderr", "WARNING"),
        ("2026/11/21 10:00:00 INFO started", "stderr", "INFO"),
        ("[ERROR] no such file", "stdout", "ERROR"),
        ("level=WARN msg=slow", "stdout", "WARNING"),
        ('{"level":"FATAL","msg":"out of memory"}', "stdout", "ERROR"),
        ("TERRORS are no level", "stdout", "INFO"),
        ("x" * 200 + " ERROR far behind", "stdout", "INFO"),
    ],
)
def test_a_line_of_text_is_a_message_as_severe_as_it_says_or_as_its_stream(line: str, stream: str, level: str) -> None:
    record = parse(line, stream)
    assert (record.getMessage(), record.levelname) == (line, logging.getLevelName(record.levelno))
    assert record.levelname == level
    assert (record.created, record.action, record.context) == (1000.0, "review.sh", {"stream": stream})


def test_percent_signs_are_no_format() -> None:
    assert parse("100 %s done %d").getMessage() == "100 %s done %d"


def test_a_log_record_in_json_is_parsed() -> None:
    fields = {
        "timestamp": "1970-01-01T00:10:00Z",
        "agent_id": "somebody-else",
        "level": "warning",
        "category": "audit",
        "action": "code_review",
        "message": "slow",
        "context": {"duration_ms": 1200, "branch": "main"},
        "metadata": {"gen_ai.usage.input_tokens": 5, "gen_ai.usage.output_tokens": 7},
        "attempt": 2,
    }
    record = parse(json.dumps(fields))
    assert (record.created, record.levelno, record.getMessage()) == (600.0, logging.WARNING, "slow")
    assert (record.category, record.action) == ("audit", "code_review")
    assert record.context == {"duration_ms": 1200, "branch": "main", "attempt": 2}
    assert record.metadata == {"input_tokens": 5, "output_tokens": 7}


def test_a_record_may_leave_its_time_and_its_agent_to_the_listener() -> None:
    record = parse('{"message": "hello"}')
    assert (record.created, record.getMessage(), record.action) == (1000.0, "hello", "review.sh")
    assert not hasattr(record, "category")


@pytest.mark.parametrize(
    "line",
    [
        '{"msg": "another tongue"}',
        '{"message": 7}',
        '{"message": "cut of',
        '{"message": "no time", "timestamp": "yesterday"}',
        '{"a":' * 100_000,
        "{}",
    ],
)
def test_json_that_is_no_log_record_is_a_message(line: str) -> None:
    assert parse(line).getMessage() == line

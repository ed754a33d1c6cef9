"""Messages between agents: what is logged of them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from nervesys.agent import Agent
from nervesys.agent.task_lines import TaskLines
from nervesys.clock import system_clock
from nervesys.contract import Category, Level, LogRecord
from tests.nervesys.agent.test_wrapped_process import logs

Make = Callable[[], Agent]


def messages(bucket: Path) -> list[LogRecord]:
    return [record for record in logs(bucket) if record.category is Category.MESSAGE]


def test_a_message_is_shipped_without_its_secrets(grok: Make, bucket: Path) -> None:
    with grok() as agent:
        agent.message("GEMINI", "use password=hunter2 for it", thread=7)
    [record] = messages(bucket)
    assert (record.agent_id, record.level, record.action, record.context.to) == (
        "grok",
        Level.INFO,
        "message",
        "gemini",
    )
    assert record.context.model_extra == {"thread": "7"}
    assert "hunter2" not in record.message
    assert record.message.startswith("use password")


def test_messages_are_logged_whatever_the_level_of_the_logger_is(grok: Make, bucket: Path) -> None:
    with grok() as agent:
        agent.log.setLevel("ERROR")
        agent.message("gemini", "100 % done")
        agent.log.info("not shipped")
    assert [record.message for record in messages(bucket)] == ["100 % done"]


def test_a_message_to_nobody_is_refused(grok: Make) -> None:
    with grok() as agent, pytest.raises(ValueError, match="to"):
        agent.message("", "x")


def test_a_wrapped_program_reports_messages_by_lines(grok: Make, bucket: Path) -> None:
    with grok() as agent:
        lines = TaskLines(agent, system_clock)
        assert lines.take(json.dumps({"message": {"to": "gemini", "text": "done", "thread": "release"}}))
        assert not lines.take(json.dumps({"message": "an ordinary record"}))
        assert not lines.take(json.dumps({"message": {"text": "to nobody"}}))
    [record] = messages(bucket)
    assert (record.message, record.context.to, record.context.model_extra) == ("done", "gemini", {"thread": "release"})

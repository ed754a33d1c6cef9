"""Lines of JSON by which a wrapped program reports its tasks."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nervesys.agent import Agent
from nervesys.agent.task_lines import MAX_RUNNING, TaskLines
from nervesys.agent.work import WorkDone
from nervesys.clock import system_clock
from tests.nervesys.agent.test_wrapped_process import logs

Make = Callable[[], Agent]


class Program:
    """A program whose lines are taken in; the end of a task is seen two seconds late."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.lines = TaskLines(agent, lambda: system_clock() + 2)

    def task(self, state: str, **fields: Any) -> None:
        assert self.lines.take(json.dumps({"task": {"state": state, **fields}}))

    @property
    def done(self) -> WorkDone:
        return self.agent.work.snapshot()


@pytest.fixture
def program(grok: Make) -> Program:
    return Program(grok())


def test_a_task_begins_comes_on_and_ends(grok: Make, bucket: Path) -> None:
    with grok() as agent:
        program = Program(agent)
        program.task("started", name="review", id=7, limit_seconds=600, details={"repository": "shop"})
        program.task("progress", name="review", id=7, step="read", progress=0.5, tokens=40)
        current = program.done.current
        assert current
        assert (current.name, current.id, current.step, current.progress) == ("review", "7", "read", 0.5)
        assert (current.limit_seconds, program.done.tokens) == (600, 40)
        program.task("retried", name="review", id=7)
        program.task("completed", name="review", id=7, tokens=55, model="grok-4")
    done = program.done
    assert (done.current, done.tasks.completed, done.tasks.retried, done.tokens) == (None, 1, 1, 55)
    (record,) = [record for record in logs(bucket) if record.action == "review"]
    assert (record.metadata.model, record.metadata.tokens, record.context.repository) == ("grok-4", 55, "shop")
    assert (record.context.duration_ms or 0) >= 2000


def test_a_task_fails_with_its_reason(grok: Make, bucket: Path) -> None:
    with grok() as agent:
        program = Program(agent)
        program.task("started", name="review")
        program.task("failed", name="review", error="no such branch")
    assert (program.done.tasks.failed, program.done.last_error) == (1, "TaskFailed: no such branch")
    (record,) = [record for record in logs(bucket) if record.action == "review"]
    assert (record.level, record.message) == ("ERROR", "review failed: no such branch")


def test_results_and_the_queue_are_reported(program: Program) -> None:
    program.task("verified")
    program.task("rejected")
    assert program.lines.take('{"queue": {"waiting": 4, "oldest": "2027-01-15T08:00:00Z"}}')
    done = program.done
    assert (done.tasks.verified, done.tasks.rejected, done.queue and done.queue.waiting) == (1, 1, 4)


def test_a_task_of_which_the_beginning_was_missed_is_followed(program: Program) -> None:
    program.task("progress", name="review", step="read")
    assert program.done.current
    program.task("completed", name="review")
    assert program.done.tasks.completed == 1


def test_a_task_that_is_started_again_without_an_end_is_counted_once(program: Program) -> None:
    program.task("started", name="review")
    program.task("started", name="review")
    program.task("completed", name="review")
    assert (program.done.current, program.done.tasks.completed) == (None, 1)


def test_a_program_that_never_ends_its_tasks_does_not_fill_the_memory(program: Program) -> None:
    for number in range(MAX_RUNNING + 5):
        program.task("started", name="review", id=number)
    assert len(program.agent.work._under_way) == MAX_RUNNING


@pytest.mark.parametrize(
    "line",
    [
        "started",
        "{",
        "[1]",
        '{"task": "started"}',
        '{"task": {"state": "asleep"}}',
        '{"task": {"state": "progress", "progress": 7}}',
        '{"message": "hello", "task": {"state": "started"}}',
        '{"queue": 7}',
        "{}",
        '{"task": {"state": "started", "details": ' + "[" * 5000,
    ],
)
def test_any_other_line_is_left_to_the_log(program: Program, line: str) -> None:
    assert not program.lines.take(line)
    assert program.done.current is None

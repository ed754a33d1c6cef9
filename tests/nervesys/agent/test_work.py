"""Counts of tasks, tokens and errors."""

import pytest

from nervesys.agent.work import ERROR_CHARACTERS, Task, Work, as_single_line
from nervesys.contract import Tasks
from nervesys.contract.state import COUNTERS


def test_the_newest_running_task_is_current() -> None:
    work, outer, inner = Work(), Task("plan"), Task("search")
    work.begin(outer)
    work.begin(inner)
    assert work.snapshot().current == "search"
    work.end(inner, None)
    assert work.snapshot().current == "plan"
    work.end(outer, None)
    assert work.snapshot().current is None


def test_tasks_and_tokens_are_summed_up() -> None:
    work = Work()
    for tokens, error in ((5, None), (7, ValueError("no")), (1, None)):
        task = Task("plan", tokens=tokens)
        work.begin(task)
        work.end(task, error)
    done = work.snapshot()
    assert (done.tasks, done.tokens, done.last_error) == (Tasks(completed=2, failed=1), 13, "ValueError: no")


def test_a_task_between_two_looks_counts_as_busy_once() -> None:
    work, task = Work(), Task("plan")
    assert not work.snapshot().busy
    work.begin(task)
    work.end(task, None)
    assert work.snapshot().busy
    assert not work.snapshot().busy


def test_a_task_that_was_broken_off_is_no_failure() -> None:
    work, task = Work(), Task("plan")
    work.begin(task)
    work.abandon(task)
    assert (work.snapshot().tasks, work.snapshot().current) == (Tasks(), None)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("no"), "ValueError: no"),
        (ValueError("a\n  b\tc"), "ValueError: a b c"),
        (KeyError(), "KeyError:"),
        (OSError("x" * 9999), f"OSError: {'x' * (ERROR_CHARACTERS - 9)}"),
    ],
)
def test_an_error_is_a_bounded_line(error: Exception, line: str) -> None:
    assert as_single_line(error) == line


def test_secrets_do_not_get_into_the_state() -> None:
    work = Work()
    work.begin(Task("deploy --token abc"))
    work.record_error(ValueError("refused password=hunter2 " + "x" * ERROR_CHARACTERS))
    work.count_finished(0, "refused ghp_" + "Q7" * 18)
    done = work.snapshot()
    assert (done.current, done.last_error) == ("deploy --token [redacted]", "refused [redacted]")


def test_the_authors_counters_only_grow() -> None:
    work = Work()
    work.count("pull_requests", 1)
    work.count("pull_requests", 2.5)
    assert work.snapshot().counters == {"pull_requests": 3.5}


@pytest.mark.parametrize(
    ("name", "amount"), [("Pull requests", 1), ("", 1), ("a" * 65, 1), ("a", -1), ("a", float("nan"))]
)
def test_an_invalid_counter_is_rejected(name: str, amount: float) -> None:
    with pytest.raises(ValueError, match="count "):
        Work().count(name, amount)


def test_counters_are_limited() -> None:
    work = Work()
    for number in range(COUNTERS):
        work.count(f"c{number}", 1)
    work.count("c0", 1)
    with pytest.raises(ValueError, match="at most 20 counters"):
        work.count("one_more", 1)

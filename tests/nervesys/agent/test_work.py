"""Counts of tasks, tokens and errors; the running task, its progress, and actions that repeat.

Covers: nervesys.agent.progress, nervesys.agent.task_times, nervesys.agent.work_reports.
"""

import logging
import math
from collections.abc import Callable

import pytest

from nervesys.agent.progress import ProgressHandler
from nervesys.agent.task_times import ENOUGH, KEPT_NAMES, TaskTimes
from nervesys.agent.work import ERROR_CHARACTERS, StuckLimits, Task, Work, as_single_line
from nervesys.contract import CurrentTask, RepeatedAction, TaskQueue, Tasks
from nervesys.contract.objects import MAX_COUNT
from nervesys.contract.state import COUNTERS


def name_of(work: Work) -> str | None:
    current = work.snapshot().current
    return current.name if current else None


def test_the_newest_running_task_is_current() -> None:
    work, outer, inner = Work(), Task("plan"), Task("search")
    work.begin(outer)
    work.begin(inner)
    assert name_of(work) == "search"
    work.end(inner, None)
    assert name_of(work) == "plan"
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
    assert (done.current and done.current.name, done.last_error) == ("deploy --token [redacted]", "refused [redacted]")


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


class Timed:
    """Work whose clock is set by hand."""

    def __init__(self, own: float | None = None) -> None:
        self.now = 1000.0
        self.work = Work(clock=lambda: self.now, limits=lambda: StuckLimits(own, least=60))

    def task(self, seconds: float, action: str = "plan", **context: str) -> None:
        task = Task(action, context=dict(context))
        self.work.begin(task)
        self.now += seconds
        self.work.end(task, None)

    def running(self, task: Task) -> CurrentTask:
        self.work.begin(task)
        current = self.work.snapshot().current
        assert current is not None
        return current


def test_the_running_task_says_how_far_it_has_come() -> None:
    timed, task = Timed(), Task("review", id="7")
    timed.running(task)
    timed.work.report(step="read --token abc", progress=0.25)
    timed.work.retry(task)
    timed.work.report(progress=0.5)
    done = timed.work.snapshot()
    assert done.current == CurrentTask(
        id="7", name="review", started_at=1000, step="read --token [redacted]", progress=0.5, retries=1
    )
    assert done.tasks.retried == 1


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_a_share_that_is_none_is_rejected(share: float) -> None:
    with pytest.raises(ValueError, match="a share from 0 to 1"):
        Work().report(progress=share)


def test_what_the_author_does_not_report_is_absent() -> None:
    done = Work().snapshot()
    assert (done.tasks.model_dump(exclude_none=True), done.queue) == ({"completed": 0, "failed": 0}, None)


def test_results_and_the_queue_are_reported() -> None:
    work = Work()
    for outcome in ("verified", "verified", "rejected"):
        work.count_optional(outcome)
    work.set_queue(3, 990)
    done = work.snapshot()
    assert (done.tasks.verified, done.tasks.rejected, done.tasks.retried) == (2, 1, None)
    assert done.queue == TaskQueue(waiting=3, oldest=990)


def test_only_what_changes_is_progress() -> None:
    timed, task = Timed(), Task("plan")
    timed.work.begin(task)
    seen: list[float | None] = []
    changes: tuple[Callable[[], object], ...] = (
        lambda: timed.work.report(step="read"),
        lambda: timed.work.report(step="read"),
        lambda: timed.work.report(progress=0.5),
        lambda: setattr(task, "tokens", 5),
        lambda: None,
        lambda: timed.work.end(task, None),
    )
    for change in changes:
        timed.now += 10
        change()
        seen.append(timed.work.snapshot().progressed_at)
    assert seen == [1010, 1010, 1030, 1040, 1040, 1060]


def test_records_of_the_author_are_progress_and_those_of_this_library_are_none() -> None:
    timed = Timed()
    handler = ProgressHandler(timed.work.tracker)
    for name, moved in (("nervesys.agent.loop", None), ("agents.grok", 1000.0), ("shop.cart", 1000.0)):
        handler.handle(logging.LogRecord(name, logging.INFO, "", 0, "text", None, None))
        assert timed.work.snapshot().progressed_at == moved


def test_the_same_action_with_the_same_details_is_counted_in_a_row() -> None:
    timed = Timed()
    for _ in range(3):
        timed.task(1, "search", query="cats", at="home")
        timed.task(1)  # without details: nobody knows whether it is the same
    assert timed.work.snapshot().repeated == RepeatedAction(action="search", times=3)
    timed.task(1, "search", query="dogs")
    assert timed.work.snapshot().repeated == RepeatedAction(action="search", times=1)


def test_details_of_any_kind_never_raise() -> None:
    timed, circle = Timed(), dict[str, object]()
    circle["self"] = circle
    for details in (circle, {"a": {1: 2, "b": object()}}, {"a": object()}, {"a": object()}):
        timed.work.report(step="search", details=details)
    repeated = timed.work.snapshot().repeated
    assert repeated and repeated.times == 2, "an object is known by its type"


def test_a_step_with_details_counts_like_an_action() -> None:
    timed = Timed()
    timed.running(Task("plan"))
    for _ in range(4):
        timed.work.report(step="search", details={"query": "cats"})
    assert timed.work.snapshot().repeated == RepeatedAction(action="search", times=4)


def test_a_task_is_stuck_after_four_times_what_is_usual_and_not_before_the_least() -> None:
    timed = Timed()
    for seconds in range(ENOUGH - 1):
        timed.task(seconds)
    assert timed.running(Task("plan")).limit_seconds is None, "too few to know"
    timed.task(100)
    assert timed.running(Task("plan")).limit_seconds == 4 * 18
    for _ in range(ENOUGH):
        timed.task(1, "quick")
    assert timed.running(Task("quick")).limit_seconds == 60


def test_a_limit_of_the_task_wins_over_the_agents_and_that_over_what_is_usual() -> None:
    timed = Timed(own=900)
    for _ in range(ENOUGH):
        timed.task(100)
    assert timed.running(Task("plan")).limit_seconds == 900
    assert timed.running(Task("plan", limit_seconds=5)).limit_seconds == 5


@pytest.mark.parametrize(
    ("limit", "in_state"), [(math.inf, MAX_COUNT), (1e300, MAX_COUNT), (-1.0, None), (math.nan, None)]
)
def test_a_limit_that_no_state_can_hold_does_not_stop_the_heartbeat(limit: float, in_state: float | None) -> None:
    work = Work()
    work.begin(Task("plan", limit_seconds=limit))
    current = work.snapshot().current
    assert current
    assert current.limit_seconds == in_state


def test_the_tokens_of_an_agent_never_fall_and_are_a_number_that_a_state_can_hold() -> None:
    work, task = Work(), Task("plan", tokens=100)
    work.begin(task)
    seen = [work.snapshot().tokens]
    wrong: list[float] = [40, -5, math.nan, 160, math.inf]
    for tokens in wrong:
        task.tokens = tokens  # type: ignore[assignment]  # an author's program may not be typed
        seen.append(work.snapshot().tokens)
    assert seen == [100, 100, 100, 100, 160, MAX_COUNT]


def test_names_that_hold_ids_do_not_fill_the_memory() -> None:
    times = TaskTimes()
    for number in range(KEPT_NAMES + 1):
        for _ in range(ENOUGH):
            times.add(f"task {number}", 100)
    assert (times.limit("task 0", 1), times.limit(f"task {KEPT_NAMES}", 1)) == (400, None)


def test_tokens_of_a_task_that_was_broken_off_stay_counted() -> None:
    work, task = Work(), Task("plan", tokens=7)
    work.begin(task)
    assert work.snapshot().tokens == 7
    work.abandon(task)
    assert work.snapshot().tokens == 7

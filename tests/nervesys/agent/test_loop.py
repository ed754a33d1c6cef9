"""A loop that fails logs it once, and goes on."""

import logging
import threading

import pytest

from nervesys.agent.loop import Loop
from nervesys.errors import StoreUnavailable

DAY = 86_400.0


def test_the_same_failure_is_logged_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    rounds: list[Exception | None] = [StoreUnavailable("a"), StoreUnavailable("a"), StoreUnavailable("b"), None, None]
    turns = iter(rounds)

    def work() -> None:
        if error := next(turns):
            raise error

    loop = Loop("shipping", work, lambda: DAY)
    for expected in rounds:
        loop.run_now()
        assert loop.last_error == (str(expected) if expected else None)
    assert [record.message for record in caplog.records] == [
        "shipping failed, will try again: a",
        "shipping failed, will try again: b",
        "shipping works again",
    ]


def test_a_bug_is_logged_with_its_traceback_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    loop = Loop("shipping", lambda: [][0], lambda: DAY)
    loop.run_now()
    loop.run_now()
    (record,) = caplog.records
    assert record.message == "shipping has a bug"
    assert record.exc_info is not None


def test_it_goes_on_until_stopped() -> None:
    rounds = threading.Semaphore(0)
    loop = Loop("beating", lambda: rounds.release(), lambda: 0.001)
    loop.start()
    assert all(rounds.acquire(timeout=20) for _ in range(3))
    loop.stop()


def test_it_can_be_woken() -> None:
    rounds = threading.Semaphore(0)
    loop = Loop("shipping", lambda: rounds.release(), lambda: DAY)
    loop.start()
    for _ in range(2):
        loop.wake()
        assert rounds.acquire(timeout=20)
    loop.stop()


def test_two_rounds_never_run_at_once() -> None:
    inside, go_on = threading.Event(), threading.Event()
    rounds: list[str] = []

    def work() -> None:
        rounds.append("begins")
        inside.set()
        go_on.wait(20)
        rounds.append("ends")

    loop = Loop("shipping", work, lambda: DAY, first=0)
    loop.start()
    inside.wait(20)
    last = threading.Thread(target=loop.run_now)
    last.start()
    go_on.set()
    last.join(20)
    loop.stop()
    assert rounds == ["begins", "ends", "begins", "ends"]

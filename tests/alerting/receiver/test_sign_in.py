"""Who fails to sign in waits; who does not, does not."""

from collections.abc import Callable

import pytest

from alerting.receiver.metrics import INSTRUMENTS
from alerting.receiver.sign_in import (
    CLIENTS,
    FORGET_SECONDS,
    FREE_FAILURES,
    FREE_FAILURES_OF_ALL,
    LONGEST_WAIT,
    SignInGuard,
)
from nervesys.metrics import Instruments
from nervesys.metrics.body import HttpRefused


class Attempts:
    """Attempts to sign in, by a clock that obeys."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.guard = SignInGuard(Instruments("receiver", INSTRUMENTS), lambda: self.now)

    def fail(self, client: str = "192.0.2.1", times: int = 1) -> None:
        for _ in range(times):
            self.guard.check_wait(client)
            self.guard.record_failure(client)

    def must_wait(self, client: str = "192.0.2.1") -> bool:
        try:
            self.guard.check_wait(client)
        except HttpRefused as refused:
            assert refused.status == 429
            return True
        return False


@pytest.fixture
def attempts() -> Attempts:
    return Attempts()


def test_after_some_failures_each_wait_is_twice_as_long(attempts: Attempts) -> None:
    attempts.fail(times=FREE_FAILURES)
    waits = []
    for _ in range(9):
        before = attempts.now
        while attempts.must_wait():
            attempts.now += 1
        waits.append(attempts.now - before)
        attempts.fail()
    assert waits == [1, 2, 4, 8, 16, 32, LONGEST_WAIT, LONGEST_WAIT, LONGEST_WAIT]


def test_another_client_does_not_wait(attempts: Attempts) -> None:
    attempts.fail(times=FREE_FAILURES)
    assert attempts.must_wait("192.0.2.1")
    assert not attempts.must_wait("192.0.2.2")


def test_a_network_of_ipv6_is_one_client(attempts: Attempts) -> None:
    for number in range(FREE_FAILURES):
        attempts.fail(f"2001:db8::{number}")
    assert attempts.must_wait("2001:db8::ffff")
    assert not attempts.must_wait("2001:db8:0:1::1")


def test_many_clients_together_wait_too_but_not_for_long(attempts: Attempts) -> None:
    for number in range(FREE_FAILURES_OF_ALL):
        attempts.fail(f"192.0.2.{number}")
    assert attempts.must_wait("198.51.100.1")
    attempts.now += 1
    assert not attempts.must_wait("198.51.100.1")


@pytest.mark.parametrize(
    "later",
    [
        pytest.param(lambda attempts: attempts.guard.record_success("192.0.2.1"), id="who knew the token after all"),
        pytest.param(lambda attempts: setattr(attempts, "now", attempts.now + FORGET_SECONDS), id="after a while"),
        pytest.param(lambda attempts: setattr(attempts, "now", attempts.now - 3600), id="when the clock was set back"),
    ],
)
def test_failures_are_forgotten(attempts: Attempts, later: Callable[[Attempts], None]) -> None:
    attempts.fail(times=FREE_FAILURES)
    later(attempts)
    assert not attempts.must_wait()


def test_what_is_remembered_is_bounded(attempts: Attempts) -> None:
    for number in range(2 * CLIENTS):
        attempts.now += 1
        attempts.fail(f"client-{number}")
    assert len(attempts.guard._by_client) == CLIENTS


def test_operators_read_how_often_and_by_whom(attempts: Attempts) -> None:
    assert attempts.guard.summary == ""
    attempts.fail("2001:db8::1")
    assert attempts.guard.summary.startswith("1 failed attempt to sign in since ")
    assert attempts.guard.summary.endswith("; the last one 2027-01-15T08:00:00Z from 2001:db8::1")

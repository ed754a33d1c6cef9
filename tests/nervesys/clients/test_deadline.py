"""A call's connections are ended at its deadline, and those of no other call."""

import os
import socket
from collections.abc import Iterator

import pytest

from nervesys.clients.deadline import MIN_BYTES_PER_SECOND, Deadline, has_passed, watch

LONG, SHORT = 30, 0.1


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(LONG)
        yield ours, theirs


def test_a_read_ends_at_the_deadline_even_if_a_longer_one_began_earlier(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    with Deadline(LONG) as outer:
        with Deadline(SHORT) as inner:
            watch(pair[0])
            assert pair[0].recv(1) == b""
            assert has_passed()
        assert not has_passed()
    assert (inner.passed, outer.passed) == (True, False)


def test_a_connection_that_is_opened_too_late_ends_at_once(pair: tuple[socket.socket, socket.socket]) -> None:
    other, theirs = socket.socketpair()
    with other, theirs, Deadline(SHORT):
        watch(pair[0])
        pair[0].recv(1)
        watch(other)
        assert other.recv(1) == b""


def test_a_call_that_is_over_leaves_its_connection_open(pair: tuple[socket.socket, socket.socket]) -> None:
    with Deadline(SHORT):
        watch(pair[0])
    waiting, theirs = socket.socketpair()
    with waiting, theirs, Deadline(2 * SHORT):  # outlasts the first
        watch(waiting)
        waiting.recv(1)
    pair[1].sendall(b"1")
    assert pair[0].recv(1) == b"1"


def test_bytes_move_the_deadline(pair: tuple[socket.socket, socket.socket]) -> None:
    waiting, theirs = socket.socketpair()
    with waiting, theirs, Deadline(SHORT) as moved:
        watch(pair[0])
        moved.allow(LONG * MIN_BYTES_PER_SECOND)
        with Deadline(2 * SHORT):
            watch(waiting)
            waiting.recv(1)
        assert not moved.passed
    assert moved.seconds == LONG + SHORT


def test_a_forked_process_ends_its_own_calls(pair: tuple[socket.socket, socket.socket]) -> None:
    with Deadline(LONG):
        child = os.fork()
        if not child:
            try:
                with Deadline(SHORT):
                    watch(pair[0])
                    os._exit(len(pair[0].recv(1)))
            finally:
                os._exit(1)
    assert os.waitpid(child, 0)[1] == 0

"""A deadline for a whole call to another server, whatever library makes it.

The timeouts of requests, urllib3, boto3 and the standard library hold for each read: a server that sends a byte now and
then keeps its caller for ever. Here a thread shuts the call's connections down at the deadline, in whatever phase they
are: TLS handshake, headers or body. Libraries take part by connection classes that pass their sockets to `watch`. Name
resolution has the limits of the resolver.
"""

import http.client
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from heapq import heappop, heappush
from itertools import count
from threading import Condition, Lock, Thread, local
from types import TracebackType
from typing import Self

MIN_BYTES_PER_SECOND = 16 << 10
"""Of a transfer without a size limit, on average; 128 kbit/s."""

_thread = local()
"""`deadline`: of the call that the thread makes."""


class Deadline:
    """Ends the connections of one call, made by the thread that enters it, once its time is over.

    Args:
        seconds: from entering.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds, self.passed = seconds, False
        self._at = 0.0
        self._sockets: list[socket.socket] | None = []
        self._lock = Lock()

    def __enter__(self) -> Self:
        self._before, _thread.deadline = getattr(_thread, "deadline", None), self
        self._at = time.monotonic() + self.seconds
        _watchdog.add(self, self._at)
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None) -> None:
        _thread.deadline = self._before
        with self._lock:
            sockets, self._sockets = self._sockets, None
        for each in sockets or ():
            each.close()

    @property
    def is_open(self) -> bool:
        """Whether the call goes on."""
        return self._sockets is not None and not self.passed

    def allow(self, size: int) -> None:
        """Move the deadline by the time that a number of bytes may take.

        Args:
            size: bytes that have arrived, or are to be sent.
        """
        seconds = size / MIN_BYTES_PER_SECOND
        self.seconds += seconds
        self._at += seconds

    def watch(self, connection: socket.socket) -> None:
        """Have a connection ended at the deadline; at once if that has passed, so that no retry outlives it."""
        with self._lock:
            if self.passed:
                _shut_down(connection)
            elif self._sockets is not None:
                # A duplicate stays valid when TLS or the response takes over the connection's own descriptor.
                self._sockets.append(
                    socket.socket(connection.family, connection.type, connection.proto, os.dup(connection.fileno()))
                )

    def end_if_late(self, now: float) -> float | None:
        """End the connections if the time is over; otherwise returns when it will be, None for a finished call."""
        with self._lock:
            if self._sockets is None:
                return None
            if self._at > now:  # it was moved
                return self._at
            self.passed = True
            for each in self._sockets:
                _shut_down(each)
            return None


class _Watchdog:
    """The thread that ends late calls, for all of the process: a timer for each call would start a thread for each."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Deadline]] = []
        self._order = count()
        self._changed = Condition()
        self._running: Thread | None = None

    def add(self, deadline: Deadline, at: float) -> None:
        """Have a call ended at a time of the monotonic clock."""
        with self._changed:
            heappush(self._due, (at, next(self._order), deadline))
            if self._running is None:
                self._running = Thread(target=self._run, name="deadlines", daemon=True)
                self._running.start()
            elif self._due[0][2] is deadline:
                self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while self._due and not self._due[0][2].is_open:
                    heappop(self._due)
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is None or wait > 0:
                    self._changed.wait(wait)
                    continue
                _, _, deadline = heappop(self._due)
            if (later := deadline.end_if_late(time.monotonic())) is not None:
                self.add(deadline, later)


_watchdog = _Watchdog()


def _start_anew() -> None:
    """In a forked process, which has no threads but the one that forked."""
    global _watchdog
    _watchdog = _Watchdog()


os.register_at_fork(after_in_child=_start_anew)


def watch(connection: socket.socket | None) -> None:
    """Have a connection ended at the deadline of the call that this thread makes, if it has one."""
    deadline: Deadline | None = getattr(_thread, "deadline", None)
    if deadline is not None and connection is not None:
        deadline.watch(connection)


@contextmanager
def ended_in_time(seconds: float) -> Iterator[None]:
    """A call with a deadline, by a library that knows none.

    Args:
        seconds: from now.

    Raises:
        TimeoutError: the time was over before the end of the call, however that ended.
    """
    with Deadline(seconds) as deadline:
        try:
            yield
        except Exception as err:
            if deadline.passed:
                raise TimeoutError(f"timed out after {seconds:g} s") from err
            raise
        if deadline.passed:  # without a length, a body that was cut looks complete
            raise TimeoutError(f"timed out after {seconds:g} s")


def has_passed() -> bool:
    """Whether the deadline of the call that this thread makes is over."""
    deadline: Deadline | None = getattr(_thread, "deadline", None)
    return deadline is not None and deadline.passed


def _shut_down(connection: socket.socket) -> None:
    with suppress(OSError):  # the peer has closed it
        connection.shutdown(socket.SHUT_RDWR)


class WatchedPlain(http.client.HTTPConnection):
    """The standard library's connection; its `connect` ends at the deadline, as what follows."""

    def connect(self) -> None:
        """Open the socket; as `http.client` calls it."""
        super().connect()
        watch(self.sock)


class WatchedTls(http.client.HTTPSConnection, WatchedPlain):
    """The same with TLS; `WatchedPlain` opens its socket, so that the handshake is watched too."""

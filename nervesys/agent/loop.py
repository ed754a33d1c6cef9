"""A function of the agent that runs at an interval in a thread of its own, so that none waits for another.

Daemon threads, not a pool: a pool is joined when the program ends, and a store that hangs would keep a stopped agent
running beyond its ten seconds.
"""

import logging
import threading
import time
from collections.abc import Callable

from nervesys.errors import NervesysError

log = logging.getLogger(__name__)


class Loop:
    """Calls a function at an interval until stopped; an error is logged once, until it changes.

    Args:
        name: used in log messages.
        work: called once a round.
        every: returns the seconds between the starts of two rounds, as currently configured.
        first: seconds before the first round; None for the usual interval.
    """

    def __init__(
        self, name: str, work: Callable[[], None], every: Callable[[], float], first: float | None = None
    ) -> None:
        self._name, self._work, self._every, self._first = name, work, every, first
        self._wake = threading.Event()
        self._immediately = False
        self._round = threading.Lock()
        self._stopped = False
        self.last_error: str | None = None
        """Error message of the last round; None if it succeeded."""

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def wake(self) -> None:
        """Start the next round now."""
        self._immediately = True
        self._wake.set()

    def reschedule(self) -> None:
        """Read the interval again, also for the current wait."""
        self._wake.set()

    def stop(self) -> None:
        """Start no further round; a running one is completed."""
        self._stopped = True
        self._wake.set()

    def run_now(self) -> None:
        """Run one round, after the running one; catches every exception, for a bug in one loop must not end others."""
        with self._round:
            self._run_work()

    def _run_work(self) -> None:
        try:
            self._work()
        except NervesysError as err:
            if str(err) != self.last_error:
                log.warning("%s failed, will try again: %s", self._name, err)
            self.last_error = str(err)
        except Exception as err:
            if repr(err) != self.last_error:
                log.exception("%s has a bug", self._name)
            self.last_error = repr(err)
        else:
            if self.last_error is not None:
                log.info("%s works again", self._name)
            self.last_error = None

    def _run(self) -> None:
        began, first = time.monotonic(), self._first
        while True:
            self._wait(began, first)
            if self._stopped:
                return
            began, first = time.monotonic(), None
            self.run_now()

    def _wait(self, began: float, first: float | None) -> None:
        """Wait until the next round is due, or `wake` or `stop` is called.

        Args:
            began: start of the last round, as `time.monotonic` counts.
            first: seconds to wait instead of the interval, before the first round.
        """
        while not (self._immediately or self._stopped):
            left = began + (self._every() if first is None else first) - time.monotonic()
            if left <= 0 or not self._wake.wait(left):
                break
            self._wake.clear()
        self._immediately = False

"""One duty of the agent in a thread of its own, so that none waits for another.

Daemon threads, not a pool: a pool is joined when the program ends, and a store that hangs would keep a stopped agent
alive beyond its ten seconds.
"""

import logging
import threading
import time
from collections.abc import Callable

from nervesys.errors import NervesysError

log = logging.getLogger(__name__)


class Loop:
    """Does its work again and again until stopped; what goes wrong is told once, until it changes.

    Args:
        name: of the duty, as the log names it.
        work: one round of it.
        every: tells the seconds between the beginnings of two rounds, as they are configured now.
        first: seconds before the first round; None for as long as before any other.
    """

    def __init__(
        self, name: str, work: Callable[[], None], every: Callable[[], float], first: float | None = None
    ) -> None:
        self._name, self._work, self._every, self._first = name, work, every, first
        self._wake = threading.Event()
        self._at_once = False
        self._round = threading.Lock()
        self._stopped = False
        self.trouble: str | None = None
        """Why the last round failed; None when it did not."""

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def wake(self) -> None:
        """Let the next round begin now."""
        self._at_once = True
        self._wake.set()

    def retime(self) -> None:
        """Ask anew how long the wait is, also in the one under way."""
        self._wake.set()

    def stop(self) -> None:
        """Begin no further round; one that is under way goes on."""
        self._stopped = True
        self._wake.set()

    def once(self) -> None:
        """One round, after the one under way; the only place that catches all, for no duty's bug may end another."""
        with self._round:
            self._try()

    def _try(self) -> None:
        try:
            self._work()
        except NervesysError as err:
            if str(err) != self.trouble:
                log.warning("%s failed, will try again: %s", self._name, err)
            self.trouble = str(err)
        except Exception as err:
            if repr(err) != self.trouble:
                log.exception("%s has a bug", self._name)
            self.trouble = repr(err)
        else:
            if self.trouble is not None:
                log.info("%s works again", self._name)
            self.trouble = None

    def _run(self) -> None:
        began, first = time.monotonic(), self._first
        while True:
            self._wait(began, first)
            if self._stopped:
                return
            began, first = time.monotonic(), None
            self.once()

    def _wait(self, began: float, first: float | None) -> None:
        """Until the round after the one that began then is due, or woken."""
        while not (self._at_once or self._stopped):
            left = began + (self._every() if first is None else first) - time.monotonic()
            if left <= 0 or not self._wake.wait(left):
                break
            self._wake.clear()
        self._at_once = False

"""Tells the service what it must know, now or later.

Where it is away, a request is sent again after each pause; then it waits on this machine's disk, and `sync` says it
later, in the order of what waits. Whatever returned is kept: committed by the service, or on the disk.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus

from nervesys.artifacts.caller import RequestRefused, Service, ServiceAway
from nervesys.artifacts.waiting import Request, State, Waiting
from nervesys.clock import Clock, system_clock

PAUSES = (5.0, 10.0, 20.0)

log = logging.getLogger(__name__)


class Patient:
    """A service that may be away, and what waits for it; any thread may use it.

    Args:
        service: to be told.
        waiting: keeps what it could not be told.
        pauses: seconds between attempts.
        clock: dates what waits.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        service: Service,
        waiting: Waiting,
        pauses: Sequence[float] = PAUSES,
        clock: Clock = system_clock,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.service = service
        """Asked where only an answer helps."""
        self._waiting, self._pauses, self._clock, self._sleep = waiting, pauses, clock, sleep
        self._syncing = threading.Lock()

    def tell(self, path: str, body: bytes) -> None:
        """Send a request, or keep it to be sent.

        Raises:
            RequestRefused: the service will never take it.
            NervesysError: the disk refuses what should wait.
        """
        if not self.sent(path, body):
            self.keep(path, body)

    def sent(self, path: str, body: bytes) -> bool:
        """Whether the service took a request; while others wait, none is sent before them.

        Raises:
            RequestRefused: the service will never take it.
        """
        if self._waiting.first():
            return False
        for pause in (*self._pauses, None):
            try:
                self.service.ask("POST", path, body)
            except ServiceAway as err:
                log.warning("%s; %s", err, "it waits on the disk" if pause is None else f"once more in {pause:g} s")
                if pause is not None:
                    self._sleep(pause)
            else:
                return True
        return False

    def keep(self, path: str, body: bytes) -> None:
        """Keep a request, to be sent by `sync`.

        Raises:
            NervesysError: the disk refuses.
        """
        self._waiting.add(self._clock(), path, body)

    def sync(self) -> None:
        """Say what waits, as far as the service takes it; what it refuses is kept aside and named in the log.

        Raises:
            ServiceAway: the rest waits on.
        """
        with self._syncing:
            while request := self._waiting.first():
                self._say(request)

    def state(self) -> State:
        """What waits."""
        return self._waiting.state()

    def close(self) -> None:
        """Release the connections and the file."""
        self.service.close()
        self._waiting.close()

    def _say(self, request: Request) -> None:
        try:
            self.service.ask("POST", request.path, request.body)
        except RequestRefused as err:
            if err.status == HTTPStatus.UNAUTHORIZED:  # a token can be mended, and then this is taken
                raise ServiceAway(f"register what waits: {err}") from err
            log.warning("refused, and kept aside: %s: %s", request.path, err)
            self._waiting.refused(request, str(err))
        else:
            self._waiting.said(request)

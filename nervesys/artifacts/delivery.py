"""Delivers requests to the artifact service: now, with retries, or later, from an outbox on the local disk.

Once `deliver` has returned, the request is committed by the service or stored in the outbox, from which `sync` sends it
later, in the original order.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus

from nervesys.artifacts.api_client import ServiceClient, ServiceRefusal, ServiceUnavailable
from nervesys.artifacts.outbox import Outbox, OutboxState, StoredRequest
from nervesys.clock import Clock, system_clock

PAUSES = (5.0, 10.0, 20.0)

log = logging.getLogger(__name__)


class Delivery:
    """Sends requests to a service that may be unavailable. Thread-safe.

    Args:
        service: the client of the service.
        outbox: stores what could not be sent.
        pauses: seconds between attempts.
        clock: dates the stored requests.
        sleep: waits some seconds.
    """

    def __init__(
        self,
        service: ServiceClient,
        outbox: Outbox,
        pauses: Sequence[float] = PAUSES,
        clock: Clock = system_clock,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.service = service
        """For requests that need a response at once."""
        self._outbox, self._pauses, self._clock, self._sleep = outbox, pauses, clock, sleep
        self._syncing = threading.Lock()

    def deliver(self, path: str, body: bytes) -> None:
        """Send a request, or store it in the outbox.

        Raises:
            ServiceRefusal: the service refuses it for good.
            NervesysError: the outbox cannot be written.
        """
        if not self.try_send(path, body):
            self.store(path, body)

    def try_send(self, path: str, body: bytes) -> bool:
        """Try to send a request; False if the service is unavailable, or if older requests are still in the outbox.

        Raises:
            ServiceRefusal: the service refuses it for good.
        """
        if self._outbox.first():
            return False
        for pause in (*self._pauses, None):
            try:
                self.service.send("POST", path, body)
            except ServiceUnavailable as err:
                log.warning("%s; %s", err, "stored in the outbox" if pause is None else f"next attempt in {pause:g} s")
                if pause is not None:
                    self._sleep(pause)
            else:
                return True
        return False

    def store(self, path: str, body: bytes) -> None:
        """Store a request in the outbox, to be sent by `sync`.

        Raises:
            NervesysError: the outbox cannot be written.
        """
        self._outbox.add(self._clock(), path, body)

    def sync(self) -> None:
        """Send everything in the outbox. A request that the service refuses is set aside and logged.

        Raises:
            ServiceUnavailable: the remaining requests stay in the outbox.
        """
        with self._syncing:
            while request := self._outbox.first():
                self._send_stored(request)

    def state(self) -> OutboxState:
        """How full the outbox is."""
        return self._outbox.state()

    def close(self) -> None:
        """Close the connections and the outbox."""
        self.service.close()
        self._outbox.close()

    def _send_stored(self, request: StoredRequest) -> None:
        try:
            self.service.send("POST", request.path, request.body)
        except ServiceRefusal as err:
            if err.status == HTTPStatus.UNAUTHORIZED:  # the service will accept it once the token is valid
                raise ServiceUnavailable(f"send from the outbox: {err}") from err
            log.warning("set aside a request that the service refused: %s: %s", request.path, err)
            self._outbox.set_aside(request, str(err))
        else:
            self._outbox.remove(request)

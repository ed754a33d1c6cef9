"""The dead-man's switch: without the Watchdog alert monitoring itself is down, so the receiver notifies by itself."""

import asyncio
import logging

import requests
from pydantic import SecretStr

from alerting.receiver import metrics
from nervesys.clients.bounded_http import call
from nervesys.clients.http_errors import cause
from nervesys.clock import Clock
from nervesys.metrics import Instruments

POST_SECONDS = 10

log = logging.getLogger(__name__)


class DeadmanSwitch:
    """Notices when no Watchdog was received for too long, and posts that to a URL of its own.

    Args:
        silence_seconds: without a Watchdog, after which it notifies.
        url: posted to; None for the log and the metrics alone.
    """

    def __init__(self, silence_seconds: float, url: SecretStr | None, instruments: Instruments, clock: Clock) -> None:
        self._limit, self._url, self._instruments, self._clock = silence_seconds, url, instruments, clock
        self._silent = False
        self._posted_silent = False
        self.record_watchdog()

    def record_watchdog(self) -> None:
        """The Watchdog was received."""
        self._last = self._clock()
        self._instruments.set(metrics.WATCHDOG_RECEIVED, self._last)

    async def turn(self) -> None:
        """Log each change between silent and not, and post it to the URL, again in each turn until that succeeds."""
        silent = self._clock() - self._last > self._limit
        if silent != self._silent:
            log.log(logging.ERROR if silent else logging.WARNING, "%s", self._text(silent))
        self._silent = silent
        self._instruments.set(metrics.DEADMAN_SILENT, silent)
        if self._url is not None and silent != self._posted_silent:
            self._posted_silent = await asyncio.to_thread(self._post, self._url, silent)

    def _text(self, silent: bool) -> str:
        if not silent:
            return "the Watchdog was received again"
        return (
            f"no Watchdog for more than {self._limit:.0f} s: Prometheus, Alertmanager or the connection to this "
            "receiver is down"
        )

    def _post(self, url: SecretStr, silent: bool) -> bool:
        """Post to the URL; returns the state that was last posted with success."""
        body = {"alert": "Watchdog", "status": "firing" if silent else "resolved", "text": self._text(silent)}
        try:
            call("POST", url.get_secret_value(), POST_SECONDS, json=body).raise_for_status()
        except requests.RequestException as err:
            log.warning("post the Watchdog's state: %s", cause(err))  # its text holds the URL, which is a secret
            return not silent
        return silent

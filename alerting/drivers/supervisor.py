"""Driver `supervisor`: restarts a process through supervisor's XML-RPC interface (Supervisor 3 and later).

A process that runs, hung or not, is stopped first; one that does not stop in time is killed.
"""

import time
from collections.abc import Callable
from typing import Any

from alerting.actions.outcome import Cause, Done, Failed, Outcome, Retry
from alerting.receiver.local import Supervisor as Settings
from nervesys.supervisor import (
    Supervisor,
    SupervisorDenied,
    SupervisorRefused,
    SupervisorTimedOut,
    SupervisorUnavailable,
)

POLL_SECONDS = 0.1
DEAD_STATES = {"STOPPED", "EXITED", "FATAL", "UNKNOWN"}
PERMANENT = {"BAD_NAME": Cause.NOT_FOUND, "NO_FILE": Cause.NOT_FOUND, "NOT_EXECUTABLE": Cause.NOT_ALLOWED}
"""Refusals that no further try will change."""


class SupervisorDriver:
    """One supervisor.

    Args:
        settings: from the receiver's local file.
        sleep: waits between two questions, in seconds.
        monotonic: measures how long a process takes to stop.
    """

    def __init__(
        self,
        settings: Settings,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.servers = settings.servers
        self._settings, self._sleep, self._monotonic = settings, sleep, monotonic

    def restart(self, target: str) -> Outcome:
        """Stop the process, killing it where it must, and start it."""
        password = self._settings.password
        supervisor = Supervisor(
            self._settings.url,
            user=self._settings.user,
            password=password.get_secret_value() if password else None,
            timeout_seconds=self._settings.timeout_seconds,
        )
        try:
            killed = self._stop(supervisor, target)
            _ask(supervisor, "ALREADY_STARTED", "startProcess", target, False)
        except SupervisorRefused as refused:
            cause = PERMANENT.get(refused.fault)
            return Failed(cause, str(refused)) if cause else Retry(Cause.REFUSED, str(refused))
        except SupervisorDenied as denied:
            return Failed(Cause.NOT_ALLOWED, str(denied))
        except SupervisorTimedOut as late:
            return Retry(Cause.TIMED_OUT, str(late))
        except SupervisorUnavailable as away:
            return Retry(Cause.UNREACHABLE, str(away))
        return Done("it hung, was killed and started" if killed else "started")

    def _stop(self, supervisor: Supervisor, target: str) -> bool:
        """Stop the process if it runs; returns whether it had to be killed."""
        if _dead(supervisor, target):
            return False
        _ask(supervisor, "NOT_RUNNING", "stopProcess", target, False)
        if self._dies(supervisor, target):
            return False
        _ask(supervisor, "NOT_RUNNING", "signalProcess", target, "KILL")
        if not self._dies(supervisor, target):
            raise SupervisorTimedOut(f"kill {target}: it still runs")
        return True

    def _dies(self, supervisor: Supervisor, target: str) -> bool:
        until = self._monotonic() + self._settings.stop_seconds
        while not _dead(supervisor, target):
            if self._monotonic() > until:
                return False
            self._sleep(POLL_SECONDS)
        return True


def _dead(supervisor: Supervisor, target: str) -> bool:
    return supervisor.process(target).state in DEAD_STATES


def _ask(supervisor: Supervisor, unless: str, method: str, *params: Any) -> None:
    """Ask for something that may have been done already, which supervisor calls a fault."""
    try:
        supervisor.ask(method, *params)
    except SupervisorRefused as refused:
        if refused.fault != unless:
            raise

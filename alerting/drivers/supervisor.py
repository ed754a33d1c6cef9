"""Driver `supervisor`: restarts a process through supervisor's XML-RPC interface (Supervisor 3 and later).

A process that runs, hung or not, is stopped first; one that does not stop in time is killed.
"""

import time
from collections.abc import Callable
from typing import Any

from pydantic import Field

from alerting.drivers.driver import RestartRequest
from alerting.drivers.fields import DriverUrl, FileSecret, Seconds, Servers
from alerting.drivers.outcome import Cause, Done, Failed, Outcome, Retry
from alerting.drivers.shortage import raise_if_short
from nervesys.clients.supervisor import Supervisor as Client
from nervesys.clients.supervisor import SupervisorDenied, SupervisorRefused, SupervisorTimedOut, SupervisorUnavailable
from nervesys.settings.rotating_secret import valid_values
from nervesys.settings.section import SettingsSection

POLL_SECONDS = 0.1
DEAD_STATES = {"STOPPED", "EXITED", "FATAL", "UNKNOWN"}
PERMANENT = {"BAD_NAME": Cause.NOT_FOUND, "NO_FILE": Cause.NOT_FOUND, "NOT_EXECUTABLE": Cause.NOT_ALLOWED}
"""Refusals that no further try will change."""


class SupervisorDriver(SettingsSection):
    """A supervisor whose XML-RPC interface is open to the receiver.

    Attributes:
        url: `unix:///path/of/supervisor.sock` or `http://HOST:PORT`.
        user: of its HTTP interface; None where it asks for none.
        password: path of a file with the user's password.
        servers: the servers whose agents it runs; `*` stands for every server.
        timeout_seconds: of each call.
        stop_seconds: after which a process that does not stop is killed.
    """

    url: DriverUrl
    user: str | None = None
    password: FileSecret | None = Field(default=None, alias="password_file")
    servers: Servers
    timeout_seconds: Seconds = 5
    stop_seconds: Seconds = 10

    def inspect(self, request: RestartRequest) -> Outcome:
        """Ask for the state of the process."""
        return self._call(lambda client: f"supervisor: {client.process(request.target).state.lower()}")

    def restart(self, request: RestartRequest) -> Outcome:
        """Stop the process, killing it where it must, and start it."""

        def restart(client: Client) -> str:
            killed = self._stop(client, request.target)
            _ask(client, "ALREADY_STARTED", "startProcess", request.target, False)
            return "it hung, was killed and started" if killed else "started"

        return self._call(restart)

    def stop(self, request: RestartRequest) -> Outcome:
        """Stop the process, killing it where it must."""
        return self._call(lambda client: "it hung and was killed" if self._stop(client, request.target) else "stopped")

    def start(self, request: RestartRequest) -> Outcome:
        """Start the process."""

        def start(client: Client) -> str:
            _ask(client, "ALREADY_STARTED", "startProcess", request.target, False)
            return "started"

        return self._call(start)

    def _call(self, operation: Callable[[Client], str]) -> Outcome:
        """Connect and run an operation, which returns what was done; its errors become an outcome.

        After a rotation supervisord knows the old password until it is restarted.
        """
        current, *older = valid_values(self.password) if self.password else (None,)
        outcome = self._call_with(current, operation)
        while older and isinstance(outcome, Failed) and outcome.cause is Cause.NOT_ALLOWED:
            outcome = self._call_with(older.pop(), operation)
        return outcome

    def _call_with(self, password: str | None, operation: Callable[[Client], str]) -> Outcome:
        client = Client(self.url, user=self.user, password=password, timeout_seconds=self.timeout_seconds)
        try:
            return Done(operation(client))
        except SupervisorRefused as refused:
            cause = PERMANENT.get(refused.fault)
            return Failed(cause, str(refused)) if cause else Retry(Cause.REFUSED, str(refused))
        except SupervisorDenied as denied:
            return Failed(Cause.NOT_ALLOWED, str(denied))
        except SupervisorTimedOut as late:
            return Retry(Cause.TIMED_OUT, str(late))
        except SupervisorUnavailable as away:
            raise_if_short(away)
            return Retry(Cause.UNREACHABLE, str(away))

    def _stop(self, client: Client, target: str) -> bool:
        """Stop the process if it runs; returns whether it had to be killed."""
        if _dead(client, target):
            return False
        _ask(client, "NOT_RUNNING", "stopProcess", target, False)
        if self._dies(client, target):
            return False
        _ask(client, "NOT_RUNNING", "signalProcess", target, "KILL")
        if not self._dies(client, target):
            raise SupervisorTimedOut(f"kill {target}: it still runs")
        return True

    def _dies(self, client: Client, target: str) -> bool:
        until = time.monotonic() + self.stop_seconds
        while not _dead(client, target):
            if time.monotonic() > until:
                return False
            time.sleep(POLL_SECONDS)
        return True


def _dead(client: Client, target: str) -> bool:
    return client.process(target).state in DEAD_STATES


def _ask(client: Client, unless: str, method: str, *params: Any) -> None:
    """Ask for something that may have been done already, which supervisor calls a fault."""
    try:
        client.ask(method, *params)
    except SupervisorRefused as refused:
        if refused.fault != unless:
            raise

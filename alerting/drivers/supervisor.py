"""Driver `supervisor`: restarts a process through supervisor's XML-RPC interface (Supervisor 3 and later).

A process that runs, hung or not, is stopped first; one that does not stop in time is killed.
"""

import http.client
import socket
import time
import xmlrpc.client
from base64 import b64encode
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit
from xml.parsers.expat import ExpatError

from alerting.actions.outcome import Cause, Done, Failed, Outcome, Retry
from alerting.receiver.local import Supervisor

MAX_ANSWER_BYTES = 1 << 20
POLL_SECONDS = 0.1
DEAD_STATES = {"STOPPED", "EXITED", "FATAL", "UNKNOWN"}

# Faults as supervisor numbers them (supervisor.xmlrpc.Faults).
BAD_NAME, NO_FILE, NOT_EXECUTABLE, ALREADY_STARTED, NOT_RUNNING = 10, 20, 21, 60, 70
PERMANENT = {
    BAD_NAME: Cause.NOT_FOUND,
    NO_FILE: Cause.NOT_FOUND,
    NOT_EXECUTABLE: Cause.NOT_ALLOWED,
}


class _Refused(Exception):
    """The interface answered with an HTTP status that is no answer."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"HTTP {status}")


class SupervisorDriver:
    """One supervisor.

    Args:
        settings: from the receiver's local file.
        sleep: waits between two questions, in seconds.
        monotonic: measures how long a process takes to stop.
    """

    def __init__(
        self,
        settings: Supervisor,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._sleep, self._monotonic = settings, sleep, monotonic
        self.servers = settings.servers

    def restart(self, target: str) -> Outcome:
        """Stop the process, killing it where it must, and start it."""
        try:
            killed = self._stop(target)
            self._ask("startProcess", target, False, unless=ALREADY_STARTED)
        except xmlrpc.client.Fault as fault:
            cause = PERMANENT.get(fault.faultCode)
            detail = f"supervisor says {fault.faultString}"
            return Failed(cause, detail) if cause else Retry(Cause.REFUSED, detail)
        except _Refused as refused:
            if refused.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
                return Failed(Cause.NOT_ALLOWED, f"supervisor does not let us in: {refused}")
            return Retry(Cause.REFUSED, f"supervisor answers {refused}")
        except TimeoutError:
            return Retry(Cause.TIMED_OUT, "supervisor took too long")
        except (OSError, http.client.HTTPException, ValueError, ExpatError, xmlrpc.client.Error) as err:
            return Retry(Cause.UNREACHABLE, f"supervisor cannot be asked: {type(err).__name__}")
        return Done("it hung, was killed and started" if killed else "started")

    def _stop(self, target: str) -> bool:
        """Stop the process if it runs; returns whether it had to be killed."""
        if self._dead(target):
            return False
        self._ask("stopProcess", target, False, unless=NOT_RUNNING)
        if self._dies(target):
            return False
        self._ask("signalProcess", target, "KILL", unless=NOT_RUNNING)
        if not self._dies(target):
            raise TimeoutError
        return True

    def _dies(self, target: str) -> bool:
        until = self._monotonic() + self._settings.stop_seconds
        while not self._dead(target):
            if self._monotonic() > until:
                return False
            self._sleep(POLL_SECONDS)
        return True

    def _dead(self, target: str) -> bool:
        return self._ask("getProcessInfo", target)["statename"] in DEAD_STATES

    def _ask(self, method: str, *arguments: Any, unless: int | None = None) -> Any:
        """One call of the interface; the fault numbered `unless` means that there was nothing to do."""
        request = xmlrpc.client.dumps(arguments, f"supervisor.{method}")
        try:
            (answer,), _ = xmlrpc.client.loads(self._post(request.encode()))
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != unless:
                raise
            return None
        return answer

    def _post(self, body: bytes) -> bytes:
        connection = _connection(self._settings.url, self._settings.timeout_seconds)
        headers = {"Content-Type": "text/xml"}
        password = self._settings.password
        if self._settings.user and password:
            pair = f"{self._settings.user}:{password.get_secret_value()}".encode()
            headers["Authorization"] = f"Basic {b64encode(pair).decode()}"
        try:
            connection.request("POST", "/RPC2", body, headers)
            answer = connection.getresponse()
            if answer.status != HTTPStatus.OK:
                raise _Refused(answer.status)
            said = answer.read(MAX_ANSWER_BYTES + 1)
        finally:
            connection.close()
        if len(said) > MAX_ANSWER_BYTES:
            raise ValueError(f"an answer of more than {MAX_ANSWER_BYTES} bytes")
        return said


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _connection(url: str, timeout: float) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return _UnixConnection(parts.path, timeout)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)

"""The client of supervisor's XML-RPC interface, over a unix socket or HTTP."""

import http.client
import xmlrpc.client
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit
from xml.parsers.expat import ExpatError

from nervesys.clients.deadline import WatchedPlain, ended_in_time
from nervesys.clients.http_errors import cause
from nervesys.clients.unix_socket import UnixConnection
from nervesys.errors import NervesysError

MAX_RESPONSE_BYTES = 1 << 20


class SupervisorUnavailable(NervesysError):
    """Supervisor did not respond, or refused access."""


class SupervisorDenied(SupervisorUnavailable):
    """Supervisor refused access."""


class SupervisorTimedOut(SupervisorUnavailable):
    """Supervisor did not respond in time."""


class SupervisorRefused(NervesysError):
    """Supervisor returned a fault.

    Attributes:
        fault: its name, such as `BAD_NAME`, `ALREADY_STARTED`, `NOT_RUNNING`.
    """

    def __init__(self, what: str, fault: str) -> None:
        self.fault = fault
        super().__init__(f"{what}: {fault}")


@dataclass(frozen=True)
class Process:
    """One process under supervision.

    Attributes:
        name: of its program.
        state: `STOPPED`, `STARTING`, `RUNNING`, `BACKOFF`, `STOPPING`, `EXITED`, `FATAL` or `UNKNOWN`.
        pid: 0 while there is none.
        started: Unix seconds by the supervisor's clock; 0 if it never was.
        description: supervisor's short description.
    """

    name: str
    state: str
    pid: int
    started: float
    description: str


class Supervisor:
    """A supervisord.

    Args:
        url: `unix:///path/of/supervisor.sock` or `http://HOST:PORT`.
        user: for its HTTP interface, if required.
        password: the user's.
        timeout_seconds: of each call; a call that waits for a process needs a longer one.
    """

    def __init__(
        self, url: str, *, user: str | None = None, password: str | None = None, timeout_seconds: float = 5
    ) -> None:
        self.url = url
        parts = urlsplit(url)
        headers = [("Authorization", f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}")] if user else []
        self._server = xmlrpc.client.ServerProxy(
            f"http://{parts.netloc or 'localhost'}/RPC2",
            transport=_Transport(parts.path if parts.scheme == "unix" else None, timeout_seconds, headers),
        )

    def processes(self) -> dict[str, Process]:
        """Every process by name.

        Raises:
            SupervisorUnavailable: it does not respond.
        """
        return {process.name: process for process in map(_process, self.ask("getAllProcessInfo"))}

    def process(self, name: str) -> Process:
        """One process.

        Raises:
            SupervisorUnavailable: it does not respond.
            SupervisorRefused: `BAD_NAME`.
        """
        return _process(self.ask("getProcessInfo", name))

    def ask(self, method: str, *params: Any) -> Any:
        """Call a method of supervisor's own namespace, such as `startProcess`.

        Raises:
            SupervisorUnavailable: it does not respond.
            SupervisorRefused: it returned a fault.
        """
        what = f"{method} {' '.join(param for param in params if isinstance(param, str))} at {self.url}"
        try:
            return getattr(self._server.supervisor, method)(*params)
        except xmlrpc.client.Fault as fault:
            raise SupervisorRefused(what, fault.faultString.partition(":")[0]) from None
        except xmlrpc.client.ProtocolError as err:
            denied = err.errcode in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
            raise (SupervisorDenied if denied else SupervisorUnavailable)(f"{what}: HTTP {err.errcode}") from None
        except TimeoutError as err:
            raise SupervisorTimedOut(f"{what}: timed out") from err
        except (OSError, http.client.HTTPException, ExpatError, xmlrpc.client.Error) as err:
            raise SupervisorUnavailable(f"{what}: {cause(err)}") from err


def _process(info: Any) -> Process:
    return Process(info["name"], info["statename"], info["pid"], info["start"], info["description"])


class _Transport(xmlrpc.client.Transport):
    """HTTP with a deadline, over TCP or a unix socket: one connection per call, without automatic retries."""

    def __init__(self, socket_path: str | None, timeout_seconds: float, headers: Sequence[tuple[str, str]]) -> None:
        super().__init__(headers=headers)
        self._socket_path, self._seconds = socket_path, timeout_seconds

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        path, seconds = self._socket_path, self._seconds
        connection = UnixConnection(path, seconds) if path else WatchedPlain(host, timeout=seconds)
        self._connection = host, connection
        return connection

    def request(self, *args: Any, **kwargs: Any) -> Any:
        try:
            with ended_in_time(self._seconds):
                return self.single_request(*args, **kwargs)
        finally:
            self.close()

    def parse_response(self, response: Any) -> Any:
        """The response, read no further than its limit."""
        parser, target = self.getparser()
        body = response.read(MAX_RESPONSE_BYTES + 1)
        if len(body) > MAX_RESPONSE_BYTES:
            raise http.client.HTTPException
        parser.feed(body)
        parser.close()
        return target.close()

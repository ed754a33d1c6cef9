"""Driver `docker`: restarts a container through Docker's HTTP API.

It sends one request, `POST /containers/NAME/restart` (or `stop`, `start`), so that a socket proxy may refuse everything
else.
"""

import http.client
import json
from contextlib import closing
from http import HTTPStatus
from urllib.parse import quote, urlsplit

from pydantic import Field

from alerting.drivers.driver import RestartRequest
from alerting.drivers.fields import DriverUrl, Seconds, Servers
from alerting.drivers.outcome import Cause, Done, Failed, Outcome, Retry
from alerting.drivers.shortage import raise_if_short
from nervesys.clients.deadline import WatchedPlain, ended_in_time
from nervesys.clients.http_errors import cause as http_cause
from nervesys.clients.unix_socket import UnixConnection
from nervesys.settings.section import SettingsSection

PERMANENT: dict[int, Cause] = {
    HTTPStatus.NOT_FOUND: Cause.NOT_FOUND,
    HTTPStatus.UNAUTHORIZED: Cause.NOT_ALLOWED,
    HTTPStatus.FORBIDDEN: Cause.NOT_ALLOWED,
    HTTPStatus.METHOD_NOT_ALLOWED: Cause.NOT_ALLOWED,
}
RESPONSE_BYTES = 4096
TEXT_LIMIT = 300


class DockerDriver(SettingsSection):
    """A Docker engine, behind a socket proxy that lets only restarts through.

    Attributes:
        url: `http://HOST:PORT` or `unix:///path/of/the.sock`.
        servers: the servers whose agents run in its containers; `*` stands for every server.
        timeout_seconds: of the whole call, beyond the time that the container gets to stop.
        stop_seconds: after which a container that does not stop is killed.
    """

    url: DriverUrl
    servers: Servers
    timeout_seconds: Seconds = 10
    stop_seconds: int = Field(default=10, ge=0)

    def inspect(self, request: RestartRequest) -> Outcome:
        """Ask for the container; a proxy that lets only restarts through refuses that (`not_allowed`)."""
        return self._call("GET", "json", f"inspect container {request.target} at {self.url}", request)

    def restart(self, request: RestartRequest) -> Outcome:
        """Restart the container and wait until Docker has done it."""
        what = f"restart container {request.target} at {self.url}"
        return self._call("POST", f"restart?t={self.stop_seconds}", what, request)

    def stop(self, request: RestartRequest) -> Outcome:
        """Stop the container and wait until Docker has done it."""
        what = f"stop container {request.target} at {self.url}"
        return self._call("POST", f"stop?t={self.stop_seconds}", what, request, "stopped")

    def start(self, request: RestartRequest) -> Outcome:
        """Start the container."""
        return self._call("POST", "start", f"start container {request.target} at {self.url}", request, "started")

    def _call(
        self, method: str, operation: str, what: str, request: RestartRequest, done: str = "restarted"
    ) -> Outcome:
        try:
            with ended_in_time(self._seconds), closing(self._connection()) as connection:
                connection.request(method, f"/containers/{quote(request.target, safe='')}/{operation}")
                response = connection.getresponse()
                message = _message(response.read(RESPONSE_BYTES))
        except TimeoutError:
            return Retry(Cause.TIMED_OUT, f"{what}: no response in time")
        except (OSError, http.client.HTTPException) as err:
            raise_if_short(err)
            return Retry(Cause.UNREACHABLE, f"{what}: {http_cause(err)}")
        if response.status in {HTTPStatus.NO_CONTENT, HTTPStatus.OK, HTTPStatus.NOT_MODIFIED}:
            return Done(done if response.status != HTTPStatus.OK else "Docker knows the container")
        detail, cause = f"{what}: HTTP {response.status} {message}".strip(), PERMANENT.get(response.status)
        return Failed(cause, detail) if cause else Retry(Cause.REFUSED, detail)

    def _connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        if parts.scheme == "unix":
            return UnixConnection(parts.path, self._seconds)
        return WatchedPlain(parts.netloc, timeout=self._seconds)

    @property
    def _seconds(self) -> float:
        return self.timeout_seconds + self.stop_seconds


def _message(body: bytes) -> str:
    """Docker's error message; empty where the body has none."""
    try:
        content = json.loads(body)
    except ValueError:
        return ""
    return str(content.get("message", ""))[:TEXT_LIMIT] if isinstance(content, dict) else ""

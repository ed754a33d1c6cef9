"""Driver `docker`: restarts a container through Docker's HTTP API.

It asks for one thing, `POST /containers/NAME/restart`, so that a socket proxy may refuse everything else.
"""

import http.client
import json
from http import HTTPStatus
from urllib.parse import quote, urlsplit

from pydantic import Field

from alerting.drivers.driver import Order
from alerting.drivers.fields import Seconds, Servers
from alerting.drivers.outcome import Cause, Done, Failed, Outcome, Retry
from nervesys.clients.unix_socket import UnixConnection
from nervesys.settings.section import SettingsSection

PERMANENT: dict[int, Cause] = {
    HTTPStatus.NOT_FOUND: Cause.NOT_FOUND,
    HTTPStatus.UNAUTHORIZED: Cause.NOT_ALLOWED,
    HTTPStatus.FORBIDDEN: Cause.NOT_ALLOWED,
    HTTPStatus.METHOD_NOT_ALLOWED: Cause.NOT_ALLOWED,
}
ANSWER_BYTES = 4096
TEXT_LIMIT = 300


class Docker(SettingsSection):
    """A Docker engine, behind a socket proxy that lets only restarts through.

    Attributes:
        url: `http://HOST:PORT` or `unix:///path/of/the.sock`.
        servers: the servers whose agents run in its containers; `*` stands for every server.
        timeout_seconds: of the call, beyond the time that the container gets to stop.
        stop_seconds: after which a container that does not stop is killed.
    """

    url: str = Field(pattern=r"^(unix:///.+|http://[^/\s@]+/?)$")
    servers: Servers
    timeout_seconds: Seconds = 10
    stop_seconds: int = Field(default=10, ge=0)

    def restart(self, order: Order) -> Outcome:
        """Restart the container and wait until Docker has done it."""
        what = f"restart container {order.target} at {self.url}"
        connection = self._connection()
        try:
            connection.request("POST", f"/containers/{quote(order.target, safe='')}/restart?t={self.stop_seconds}")
            answer = connection.getresponse()
            said = _message(answer.read(ANSWER_BYTES))
        except TimeoutError:
            return Retry(Cause.TIMED_OUT, f"{what}: no answer in time")
        except (OSError, http.client.HTTPException) as err:
            return Retry(Cause.UNREACHABLE, f"{what}: {getattr(err, 'strerror', None) or type(err).__name__}")
        finally:
            connection.close()
        if answer.status == HTTPStatus.NO_CONTENT:
            return Done("restarted")
        detail, cause = f"{what}: HTTP {answer.status} {said}".strip(), PERMANENT.get(answer.status)
        return Failed(cause, detail) if cause else Retry(Cause.REFUSED, detail)

    def _connection(self) -> http.client.HTTPConnection:
        parts, seconds = urlsplit(self.url), self.timeout_seconds + self.stop_seconds
        if parts.scheme == "unix":
            return UnixConnection(parts.path, seconds)
        return http.client.HTTPConnection(parts.netloc, timeout=seconds)


def _message(body: bytes) -> str:
    """What Docker says is wrong; nothing where something else answered."""
    try:
        said = json.loads(body)
    except ValueError:
        return ""
    return str(said.get("message", ""))[:TEXT_LIMIT] if isinstance(said, dict) else ""

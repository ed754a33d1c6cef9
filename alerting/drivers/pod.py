"""Driver `pod`: deletes one pod of a StatefulSet, which the cluster then makes anew; the other pods go on.

It sends one request by the standard library: `DELETE` of the pod, which is also all that its role has to permit. The
official client would take 75 MB of the image and 120 MB of memory for it (measured with release 33).
"""

import http.client
import ssl
from collections.abc import Mapping
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlsplit

from pydantic import Field

from alerting.drivers.driver import RestartRequest
from alerting.drivers.fields import AbsolutePath, Seconds, Servers
from alerting.drivers.outcome import Cause, Done, Failed, Outcome, Retry
from alerting.drivers.shortage import raise_if_short
from nervesys.clients.deadline import WatchedPlain, WatchedTls, ended_in_time
from nervesys.clients.http_errors import cause as http_cause
from nervesys.contract.validation import text_form
from nervesys.settings.section import SettingsSection

PodName = Annotated[
    str, text_form("[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", "must be a pod's name: 1 to 253 of a-z 0-9 - .")
]
ApiUrl = Annotated[str, text_form(r"https?://[^/\s@]+/?", "must be http(s)://HOST:PORT, without a user")]
PERMANENT: dict[int, Cause] = {
    HTTPStatus.UNAUTHORIZED: Cause.NOT_ALLOWED,
    HTTPStatus.FORBIDDEN: Cause.NOT_ALLOWED,
    HTTPStatus.NOT_FOUND: Cause.NOT_FOUND,
    HTTPStatus.UNPROCESSABLE_ENTITY: Cause.BAD_TARGET,
}
ACCEPTED = frozenset({HTTPStatus.OK, HTTPStatus.ACCEPTED})
"""The pod is gone, or the cluster has begun to stop it."""

NO_STOP = "a pod of a set can only be replaced; for agents with a workload each, use the driver kubernetes"


class PodDriver(SettingsSection):
    """The pods of one namespace.

    Attributes:
        pods: the pod of each target; a target that is not named is the pod's own name.
        servers: the names under which its agents write; `*`, since each pod is a server of its own.
        namespace: of the pods; None for that of the service account.
        url: of the cluster's API.
        credentials: folder with `token`, `ca.crt` and `namespace`, as each pod with a service account has it.
        timeout_seconds: of the whole call.
    """

    pods: Mapping[str, PodName] = Field(default_factory=dict)
    servers: Servers
    namespace: str | None = None
    url: ApiUrl = "https://kubernetes.default.svc"
    credentials: AbsolutePath = "/var/run/secrets/kubernetes.io/serviceaccount"
    timeout_seconds: Seconds = 10

    def inspect(self, request: RestartRequest) -> Outcome:
        """Send the DELETE of a restart as a dry run, which the cluster checks in full and does not carry out."""
        return self._delete(request, "?dryRun=All", "the cluster accepts a restart")

    def restart(self, request: RestartRequest) -> Outcome:
        """Delete the pod; it gets its own time to stop, and its set makes it anew."""
        return self._delete(request, "", "the cluster replaces the pod")

    def stop(self, request: RestartRequest) -> Outcome:
        """Refuse: the set would make a pod that is deleted anew."""
        return Failed(Cause.NOT_ALLOWED, f"stop {request.target}: {NO_STOP}")

    def start(self, request: RestartRequest) -> Outcome:
        """Refuse, as `stop`."""
        return Failed(Cause.NOT_ALLOWED, f"start {request.target}: {NO_STOP}")

    def _delete(self, request: RestartRequest, query: str, done: str) -> Outcome:
        name = self.pods.get(request.target, request.target)
        what = f"restart pod {name}"
        try:
            token = self._read("token")
            namespace = self.namespace or self._read("namespace")
            connection = self._connection()
        except (OSError, UnicodeDecodeError) as err:
            raise_if_short(err)
            problem = f"no credentials in {self.credentials}; set serviceAccountName of the receiver's pod"
            return Failed(Cause.NOT_ALLOWED, f"{what}: {problem}")
        path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(name, safe='')}{query}"
        try:
            with ended_in_time(self.timeout_seconds), closing(connection):
                connection.request("DELETE", path, headers={"Authorization": f"Bearer {token}"})
                status = connection.getresponse().status
        except TimeoutError:
            return Retry(Cause.TIMED_OUT, f"{what}: no response in time")
        except (OSError, http.client.HTTPException) as err:
            raise_if_short(err)
            return Retry(Cause.UNREACHABLE, f"{what}: {http_cause(err)}")
        if status in ACCEPTED:
            return Done(done)
        detail, cause = f"{what}: HTTP {status} {http.client.responses.get(status, '')}".strip(), PERMANENT.get(status)
        return Failed(cause, detail) if cause else Retry(Cause.REFUSED, detail)

    def _read(self, name: str) -> str:
        """A file of the credentials; read for each call, because the cluster replaces the token every hour."""
        return (Path(self.credentials) / name).read_text().strip()

    def _connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        if parts.scheme == "http":
            return WatchedPlain(parts.netloc, timeout=self.timeout_seconds)
        context = ssl.create_default_context(cafile=str(Path(self.credentials) / "ca.crt"))
        return WatchedTls(parts.netloc, timeout=self.timeout_seconds, context=context)

"""Calls the service over HTTP; tells apart that it is away, which passes, and that it refuses, which does not."""

from collections.abc import Mapping
from typing import Any

import requests

from nervesys.errors import NervesysError

TIMEOUT_SECONDS = 10.0
PATIENT = 500
"""From this status on, the same request may be taken another time."""


class ServiceAway(NervesysError):
    """The service of artifacts did not answer, or asks for another attempt."""


class RequestRefused(NervesysError):
    """The service of artifacts will not take this request, however often it is sent.

    Attributes:
        status: of HTTP.
    """

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class Service:
    """The service, as its callers see it.

    Args:
        url: of its root.
        token: that is shown to it.
        certificate: PEM file that vouches for it; None for the machine's own.
        timeout_seconds: for connecting, and for each read.
    """

    def __init__(
        self, url: str, token: str, certificate: str | None = None, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self._url, self._timeout = f"{url.rstrip('/')}/api/v1/", timeout_seconds
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._session.verify = certificate or True

    def ask(self, method: str, path: str, body: bytes | None = None, asked: Mapping[str, Any] | None = None) -> Any:
        """Send a request, and return what it is answered.

        Args:
            method: of HTTP.
            path: below `/api/v1/`.
            body: JSON.
            asked: what stands behind the path.

        Raises:
            ServiceAway: it may be sent again.
            RequestRefused: it should not be.
        """
        head = {"Content-Type": "application/json"} if body is not None else {}
        try:
            answer = self._session.request(
                method, self._url + path, data=body, params=asked, headers=head, timeout=self._timeout
            )
            if answer.status_code < requests.codes.bad_request:
                return answer.json()
        except (requests.RequestException, ValueError) as err:
            raise ServiceAway(f"ask {self._url}{path}: {type(err).__name__}") from err
        if answer.status_code >= PATIENT:
            raise ServiceAway(f"ask {self._url}{path}: {answer.status_code}")
        raise RequestRefused(answer.status_code, answer.text.strip()[:500])

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

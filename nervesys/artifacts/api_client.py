"""The HTTP client of the artifact service. Failures to retry and refusals are separate exceptions."""

from collections.abc import Mapping
from typing import Any

import requests
from pydantic import SecretStr

from nervesys.clients.bounded_http import bounded_session
from nervesys.clients.http_errors import cause
from nervesys.errors import NervesysError

TIMEOUT_SECONDS = 10.0
RETRYABLE = 500
"""Responses with this status or above may succeed when the request is sent again."""


class ServiceUnavailable(NervesysError):
    """The service did not respond, or asked to try again later (5xx)."""


class ServiceRefusal(NervesysError):
    """The service refused the request (4xx); sending it again would not help.

    Attributes:
        status: HTTP status.
    """

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class ServiceClient:
    """Sends requests to the artifact service.

    Args:
        url: base URL of the service.
        token: bearer token of the caller; looked up for each request, since it may be rotated.
        certificate: PEM file of trusted CA certificates; None for the machine's own.
        timeout_seconds: of each call.
    """

    def __init__(
        self, url: str, token: str | SecretStr, certificate: str | None = None, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self._url = f"{url.rstrip('/')}/api/v1/"
        self._session = bounded_session(timeout_seconds)
        self._token = SecretStr(token) if isinstance(token, str) else token
        self._session.verify = certificate or True

    def send(self, method: str, path: str, body: bytes | None = None, query: Mapping[str, Any] | None = None) -> Any:
        """Send a request, and return the JSON of the response.

        Args:
            method: HTTP method.
            path: below `/api/v1/`.
            body: JSON.
            query: query parameters.

        Raises:
            ServiceUnavailable: try again later.
            ServiceRefusal: do not try again.
        """
        bearer = f"Bearer {self._token.get_secret_value()}".encode()  # as bytes, or http.client would encode Latin-1
        head = {"Authorization": bearer} | ({"Content-Type": b"application/json"} if body is not None else {})
        try:
            response = self._session.request(method, self._url + path, data=body, params=query, headers=head)
            if response.status_code < requests.codes.bad_request:
                return response.json()
        except (requests.RequestException, ValueError) as err:
            raise ServiceUnavailable(f"call the artifact service at {self._url}{path}: {cause(err)}") from err
        if response.status_code >= RETRYABLE:
            raise ServiceUnavailable(f"call the artifact service at {self._url}{path}: HTTP {response.status_code}")
        raise ServiceRefusal(response.status_code, response.text.strip()[:500])

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

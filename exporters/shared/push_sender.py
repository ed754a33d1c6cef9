"""Sends requests to a receiver of logs or traces."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import requests
from requests.auth import HTTPBasicAuth

from nervesys.clients.bounded_http import bounded_session
from nervesys.clients.http_errors import cause
from nervesys.errors import NervesysError
from nervesys.settings.push import PushSettings
from nervesys.settings.secret_file import read_secret_text

REFUSED = frozenset({400, 413, 415, 422})
"""The request itself is wrong, such as lines that are too old: sent again, it would be refused again."""
GZIP_LEVEL = 1
REASON_CHARACTERS = 200


@dataclass(frozen=True)
class PushRequest:
    """What is sent, besides credentials.

    Attributes:
        path: below the URL, with its query.
        content_type: of the body.
        body: not compressed.
    """

    path: str
    content_type: str
    body: bytes


class PushFailed(NervesysError):
    """The receiver did not answer, or cannot take anything now; the request may be sent again."""


class RequestRefused(NervesysError):
    """The receiver refuses the request for good."""


@dataclass
class Sender:
    """Sends requests to one receiver.

    Attributes:
        url: its base; paths are added.
        settings: credentials and limits.
        secrets: folder of relative names of files.
    """

    url: str
    settings: PushSettings
    secrets: Path
    _session: requests.Session = field(init=False)

    def __post_init__(self) -> None:
        self._session = bounded_session(self.settings.timeout_seconds)

    def send(self, request: PushRequest) -> requests.Response:
        """Send a request; returns its successful response.

        Raises:
            PushFailed: it may be sent again.
            RequestRefused: it is refused for good.
        """
        url = self.url.rstrip("/") + request.path
        headers = {"Content-Type": request.content_type, "Content-Encoding": "gzip"}
        if self.settings.tenant:
            headers["X-Scope-OrgID"] = self.settings.tenant
        try:
            response = self._session.post(
                url,
                gzip.compress(request.body, GZIP_LEVEL, mtime=0),
                headers=headers,
                auth=self._authentication(),
                allow_redirects=False,  # credentials go to the configured host only
            )
        except requests.RequestException as err:
            raise PushFailed(f"push to {self.url}: {cause(err)}") from None
        if response.status_code in REFUSED:
            reason = response.text[:REASON_CHARACTERS].strip()
            raise RequestRefused(f"refused by {self.url}: HTTP {response.status_code} {reason}".rstrip())
        if not HTTPStatus.OK <= response.status_code < HTTPStatus.MULTIPLE_CHOICES:
            raise PushFailed(f"push to {self.url}: HTTP {response.status_code}")
        return response

    def _authentication(self) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
        """Adds the credentials; without such a function, requests would send those of ~/.netrc."""
        if self.settings.user and self.settings.password_file:
            return HTTPBasicAuth(self.settings.user, self._secret(self.settings.password_file))
        token = self._secret(self.settings.token_file) if self.settings.token_file else ""

        def authenticate(request: requests.PreparedRequest) -> requests.PreparedRequest:
            if token:
                request.headers["Authorization"] = f"Bearer {token}"
            return request

        return authenticate

    def _secret(self, name: str) -> str:
        """The content of a file, read each time so that it can be replaced while the exporter runs."""
        try:
            return read_secret_text(self.secrets / name)
        except (OSError, ValueError) as err:
            raise PushFailed(f"push to {self.url}: read {name}: {getattr(err, 'strerror', None) or err}") from None

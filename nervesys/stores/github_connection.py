"""PyGithub's connections to GitHub, with responses that are bounded and redirects that are reported.

PyGithub itself follows a 301 without the query of the request, takes other redirects for data, and repeats a request
that is answered with 202 without end. Its extension point for connections lets this project decide instead.
"""

from typing import Any

from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, Requester, RequestsResponse
from requests import Response, codes

from nervesys.clients.bounded_http import BoundedAdapter

MAX_BYTES = 16 << 20
"""Largest response; the 50 newest runs of a repository are about 1 MB."""
SECONDS = 30
"""Of a request, where the settings name no time."""
PERMANENT = frozenset({codes.moved_permanently, codes.permanent_redirect})
TEMPORARY = frozenset({codes.found, codes.see_other, codes.temporary_redirect})


class UnfinishedResponse(Exception):
    """A response that is no answer yet.

    Attributes:
        status: of a redirect, or 202.
        location: where a redirect leads; empty for others.
    """

    def __init__(self, status: int, location: str) -> None:
        super().__init__(status, location)
        self.status, self.location = status, location


class BoundedResponse(RequestsResponse):
    """A response whose body is read as UTF-8, whatever its header names."""

    def read(self) -> str:
        """The body."""
        return bytes(self.response.content).decode(errors="replace")


class HttpConnection(HTTPRequestsConnectionClass):
    """A connection to a server without TLS, such as one on this machine."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.session.mount("http://", BoundedAdapter(self.timeout or SECONDS, MAX_BYTES))

    def getresponse(self) -> RequestsResponse:
        """The response to the current request."""
        return _open_response(self)


class HttpsConnection(HTTPSRequestsConnectionClass):
    """A connection to GitHub."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.session.mount("https://", BoundedAdapter(self.timeout or SECONDS, MAX_BYTES))

    def getresponse(self) -> RequestsResponse:
        """The response to the current request."""
        return _open_response(self)


def _open_response(connection: HTTPRequestsConnectionClass | HTTPSRequestsConnectionClass) -> RequestsResponse:
    answer: Response = connection.session.request(
        connection.verb,
        f"{connection.protocol}://{connection.host}:{connection.port}{connection.url}",
        headers=connection.headers,
        verify=connection.verify,
        allow_redirects=False,
    )
    if answer.status_code in PERMANENT | TEMPORARY | {codes.accepted}:
        raise UnfinishedResponse(answer.status_code, answer.headers.get("Location", ""))
    return BoundedResponse(answer)


class BoundedRequester(Requester):
    """PyGithub's requester on these connections; its other users in this process keep theirs."""


BoundedRequester.injectConnectionClasses(HttpConnection, HttpsConnection)

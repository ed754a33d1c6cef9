"""PyGithub's connections to GitHub, with responses that are bounded and redirects that are reported.

PyGithub itself follows a 301 without the query of the request, takes other redirects for data, and repeats a request
that is answered with 202 without end. Its extension point for connections lets this project decide instead.
"""

from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, Requester, RequestsResponse
from requests import Response, codes

MAX_BYTES = 16 << 20
"""Largest response; the 50 newest runs of a repository are about 1 MB."""
PERMANENT = frozenset({codes.moved_permanently, codes.permanent_redirect})
TEMPORARY = frozenset({codes.found, codes.see_other, codes.temporary_redirect})


class OversizedResponse(Exception):
    """A response has more than `MAX_BYTES`."""


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
    """A response whose body is read up to `MAX_BYTES`, and as UTF-8, whatever its header names."""

    def read(self) -> str:
        """The body.

        Raises:
            OversizedResponse: it is larger.
        """
        with self.response:
            body = self.response.raw.read(MAX_BYTES + 1, decode_content=True)
        if len(body) > MAX_BYTES:
            raise OversizedResponse
        return bytes(body).decode(errors="replace")


class HttpConnection(HTTPRequestsConnectionClass):
    """A connection to a server without TLS, such as one on this machine."""

    def getresponse(self) -> RequestsResponse:
        """The response to the current request."""
        return _open_response(self)


class HttpsConnection(HTTPSRequestsConnectionClass):
    """A connection to GitHub."""

    def getresponse(self) -> RequestsResponse:
        """The response to the current request."""
        return _open_response(self)


def _open_response(connection: HTTPRequestsConnectionClass | HTTPSRequestsConnectionClass) -> RequestsResponse:
    answer: Response = connection.session.request(
        connection.verb,
        f"{connection.protocol}://{connection.host}:{connection.port}{connection.url}",
        headers=connection.headers,
        timeout=connection.timeout,
        verify=connection.verify,
        allow_redirects=False,
        stream=True,
    )
    if answer.status_code in PERMANENT | TEMPORARY | {codes.accepted}:
        answer.close()
        raise UnfinishedResponse(answer.status_code, answer.headers.get("Location", ""))
    return BoundedResponse(answer)


class BoundedRequester(Requester):
    """PyGithub's requester on these connections; its other users in this process keep theirs."""


BoundedRequester.injectConnectionClasses(HttpConnection, HttpsConnection)

"""HTTP for google-api-python-client, which takes "something that acts like" an `httplib2.Http`.

httplib2 has a timeout for each read alone. The calls are those of requests, with a deadline and a largest response.
"""

from typing import Any

import httplib2
import requests
from google.auth.credentials import Credentials
from google.auth.transport.requests import AuthorizedSession, Request

from nervesys.clients.bounded_http import BoundedAdapter, bounded_session, without_credentials


class DriveHttp:
    """The connections of one request and its retries.

    Args:
        credentials: of who calls.
        seconds: of each attempt, and beyond that the time of its bytes at `MIN_BYTES_PER_SECOND`. A file moves in
            several requests, one for each part, so that a large one is not cut.
    """

    def __init__(self, credentials: Credentials, seconds: float) -> None:
        self._seconds = seconds
        self._session = AuthorizedSession(credentials, auth_request=Request(bounded_session(seconds)))
        self._session.auth = without_credentials
        adapter = BoundedAdapter(seconds, by_size=True)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, adapter)

    def request(
        self, uri: str, method: str = "GET", body: Any = None, headers: dict[str, str] | None = None, **_: Any
    ) -> tuple[httplib2.Response, bytes]:
        """Send a request; as googleapiclient calls it.

        Args:
            uri: the URL.
            method: HTTP method.
            body: text, bytes or a stream.
            headers: of the request.

        Raises:
            TimeoutError: it was not complete in time.
            ConnectionError: it failed; as the other, googleapiclient sends it again.
            requests.RequestException: the response is too large, or no HTTP.
            GoogleAuthError: it cannot sign in.
        """
        content = body.read() if hasattr(body, "read") else body
        try:
            answer = self._session.request(
                method,
                uri,
                data=content.encode() if isinstance(content, str) else content,
                headers=headers,
                timeout=self._seconds,
                allow_redirects=method == "GET",
            )
        except requests.Timeout as err:
            raise TimeoutError("not complete in time") from err
        except requests.ConnectionError as err:
            raise ConnectionError("not connected") from err
        response = httplib2.Response({**answer.headers, "status": str(answer.status_code)})
        response.reason = answer.reason
        return response, answer.content

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

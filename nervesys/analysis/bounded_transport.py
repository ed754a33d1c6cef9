"""The transport of the model's client: calls of requests, with a deadline and a largest response.

The openai package takes an `httpx2.Client`, whose timeouts hold for each read.
"""

import os

import httpx2
import requests

from nervesys.clients.bounded_http import bounded_session, without_credentials

MAX_BYTES = 4 << 20
"""Of a response; a chat completion has some kilobytes."""
REWRITTEN = {"accept-encoding", "connection", "host"}
"""Headers of a request that are those of the connection."""
UNPACKED = {"content-encoding", "content-length", "transfer-encoding"}
"""Headers of a response that no longer hold for its body."""


class BoundedTransport(httpx2.BaseTransport):
    """Sends each request, and reads its response whole.

    Args:
        seconds: of each request.
    """

    def __init__(self, seconds: float) -> None:
        self._session = bounded_session(seconds, MAX_BYTES)
        self._session.verify = os.environ.get("SSL_CERT_FILE") or True  # as httpx2 has it

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; as httpx2 calls it.

        Raises:
            httpx2.ReadTimeout: it was not complete in time.
            httpx2.NetworkError: it failed, or the response is too large.
        """
        try:
            answer = self._session.request(
                request.method,
                str(request.url),
                data=request.read(),
                headers={name: value for name, value in request.headers.items() if name not in REWRITTEN},
                auth=without_credentials,
                allow_redirects=False,
            )
        except requests.Timeout as err:
            raise httpx2.ReadTimeout("not complete in time", request=request) from err
        except requests.RequestException as err:
            raise httpx2.NetworkError("the request failed", request=request) from err
        headers = {name: value for name, value in answer.headers.items() if name.lower() not in UNPACKED}
        return httpx2.Response(answer.status_code, headers=headers, content=answer.content, request=request)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

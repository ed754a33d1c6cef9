"""boto3's HTTP session with the deadline of the call and a limit on the size of a response.

botocore lets a handler of `before-send` make the response; here its own session does, with connection classes that are
watched. Only `_get_connection_manager` is no public name of botocore: it has none to set the class of connections.
"""

import os
from io import BytesIO
from typing import Any

from botocore.awsrequest import AWSHTTPConnectionPool, AWSHTTPSConnectionPool, AWSPreparedRequest, AWSResponse
from botocore.exceptions import BotoCoreError, ConnectionClosedError, ReadTimeoutError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies
from urllib3.exceptions import HTTPError
from urllib3.exceptions import ReadTimeoutError as LateRead

from nervesys.clients.deadline import has_passed
from nervesys.clients.watched_pools import CHUNK_BYTES, watched_pools

MAX_BYTES = 16 << 20
"""Of a response that is no object: a page of a listing has 1000 keys of at most 1024 bytes, each escaped."""

POOLS = watched_pools(AWSHTTPConnectionPool, AWSHTTPSConnectionPool)


class OversizedResponse(Exception):
    """A response is larger than any of its kind."""


class BoundedS3Session(URLLib3Session):
    """Sends the requests of one client.

    Args:
        endpoint: base URL of the store.
        seconds: to connect, and of each read.
        connections: kept open.
        ca_bundle: path of the certificates to trust, by boto3's settings; None for `REQUESTS_CA_BUNDLE`, or certifi's.
    """

    def __init__(self, endpoint: str, seconds: float, connections: int, ca_bundle: str | None) -> None:
        options: dict[str, Any] = {
            "verify": ca_bundle or os.environ.get("REQUESTS_CA_BUNDLE", True),
            "proxies": get_environ_proxies(endpoint),
            "timeout": (seconds, seconds),
            "max_pool_connections": connections,
        }
        super().__init__(**options)

    def answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        """Send a request; a handler of botocore's `before-send`.

        Raises:
            TimeoutError: the deadline of the call has passed; botocore sends no such request again.
            OversizedResponse: likewise.
            BotoCoreError: it failed.
        """
        is_object, request.stream_output = request.stream_output, True
        try:
            response = self.send(request)
            return response if is_object and response.status_code < 300 else _read(request, response)
        except BotoCoreError as err:
            if has_passed():
                raise TimeoutError("the deadline has passed") from err
            raise

    def _get_connection_manager(self, url: str, proxy_url: str | None = None) -> Any:
        manager = super()._get_connection_manager(url, proxy_url)  # type: ignore[misc]  # absent from the stubs
        manager.pool_classes_by_scheme = POOLS
        return manager


def _read(request: AWSPreparedRequest, response: AWSResponse) -> AWSResponse:
    """The response with its body, read no further than the limit."""
    body = bytearray()
    try:
        for chunk in response.raw.stream(CHUNK_BYTES):
            body += chunk
            if len(body) > MAX_BYTES:
                response.raw.close()
                raise OversizedResponse(f"the response has more than {MAX_BYTES} bytes")
    except LateRead as err:
        raise ReadTimeoutError(endpoint_url=request.url, error=err) from err
    except HTTPError as err:
        raise ConnectionClosedError(error=err, request=request, endpoint_url=request.url) from err
    headers: Any = response.headers
    return AWSResponse(response.url, response.status_code, headers, _ReadBody(body))


class _ReadBody(BytesIO):
    """A body that was read, in the form of urllib3's."""

    def stream(self) -> list[bytes]:
        return [self.getvalue()]

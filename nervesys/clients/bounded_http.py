"""HTTP calls with one deadline for the whole call, and a limit on the size of the response."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, ReadTimeoutError
from urllib3.poolmanager import PoolManager
from urllib3.util import Retry

from nervesys.clients.deadline import Deadline
from nervesys.clients.http_errors import ResponseTooLarge
from nervesys.clients.watched_pools import CHUNK_BYTES, watched_pools

MAX_BYTES = 64 << 20
"""Of a response, unpacked."""
MAX_REDIRECTS = 5
"""Each has the whole time again."""
POOLS = watched_pools(HTTPConnectionPool, HTTPSConnectionPool)


class BoundedAdapter(HTTPAdapter):
    """Reads each response whole, within its limits; `stream` has no effect.

    Args:
        seconds: of a call, with its retries.
        max_bytes: of a response, unpacked.
        retries: see `HTTPAdapter`.
        by_size: whether the bytes that are sent and that arrive move the deadline, at `MIN_BYTES_PER_SECOND`.
    """

    def __init__(
        self, seconds: float, max_bytes: int = MAX_BYTES, retries: Retry | int = 0, *, by_size: bool = False
    ) -> None:
        self.seconds, self.max_bytes, self.by_size = seconds, max_bytes, by_size
        super().__init__(max_retries=retries)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Have connections watched; as requests calls it."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, *args: Any, **options: Any) -> PoolManager:
        """Likewise for those to a proxy."""
        manager: PoolManager = super().proxy_manager_for(*args, **options)
        manager.pool_classes_by_scheme = POOLS
        return manager

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send a request.

        Raises:
            requests.Timeout: it was not complete in time.
            requests.RequestException: it failed, or the response is larger than the limit.
        """
        late = f"not complete within {self.seconds:g} s"
        with Deadline(self.seconds) as deadline:
            if self.by_size:
                deadline.allow(len(request.body or b""))
            try:
                response = super().send(request, True, timeout or self.seconds, verify, cert, proxies)
                with response.raw as raw:
                    body = _read(raw, self.max_bytes, deadline if self.by_size else None)
            except (requests.RequestException, HTTPError, OSError) as err:
                if deadline.passed or isinstance(err, ReadTimeoutError):
                    raise requests.ReadTimeout(late, request=request) from err
                if isinstance(err, requests.RequestException):
                    raise
                raise requests.exceptions.ChunkedEncodingError(str(err), request=request) from err
            if deadline.passed:  # without a length, a body that was cut looks complete
                raise requests.ReadTimeout(late, request=request)
        response.raw = BytesIO(body)
        return response


def _read(raw: Any, max_bytes: int, moved: Deadline | None) -> bytes:
    body = bytearray()
    for chunk in raw.stream(CHUNK_BYTES, decode_content=True):
        body += chunk
        if moved:
            moved.allow(len(chunk))
        if len(body) > max_bytes:
            raise ResponseTooLarge(f"the response has more than {max_bytes} bytes")
    return bytes(body)


def bounded_session(seconds: float, max_bytes: int = MAX_BYTES, retries: Retry | int = 0) -> requests.Session:
    """A session whose calls end in time.

    Args:
        seconds: of each call, with its retries; each redirect has them again.
        max_bytes: of a response, unpacked.
        retries: as urllib3 takes them.
    """
    session = requests.Session()
    session.max_redirects = MAX_REDIRECTS
    adapter = BoundedAdapter(seconds, max_bytes, retries)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def call(method: str, url: str, seconds: float, max_bytes: int = MAX_BYTES, **request: Any) -> requests.Response:
    """One call by a connection of its own.

    Args:
        method: HTTP method.
        url: http or https.
        seconds: of the whole call.
        max_bytes: of the response, unpacked.
        **request: as `requests.request` takes it.

    Raises:
        requests.RequestException: it failed, was not complete in time, or its response is too large.
    """
    with bounded_session(seconds, max_bytes) as session:
        return session.request(method, url, **request)


def without_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Authentication that adds nothing; without it, requests would send credentials from ~/.netrc."""
    return request

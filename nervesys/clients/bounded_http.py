"""HTTP calls with one deadline for the whole call, and a limit on the size of the response.

The timeout of requests holds for each read: a server that sends a byte now and then keeps its caller for ever. Here a
timer ends the connection at the deadline, in whatever phase it is: TLS handshake, headers or body. Name resolution has
the limits of the resolver.
"""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from io import BytesIO
from threading import Lock, Timer, local
from types import TracebackType
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, ReadTimeoutError
from urllib3.poolmanager import PoolManager
from urllib3.util import Retry

from nervesys.clients.http_errors import ResponseTooLarge

MAX_BYTES = 64 << 20
"""Of a response, unpacked."""
CHUNK_BYTES = 1 << 16
MAX_REDIRECTS = 5
"""Each has the whole time again."""

_thread = local()
"""`deadline`: of the call that the thread makes."""


class Deadline:
    """Ends the connections of one call, made by the thread that enters it, once its time is over.

    Args:
        seconds: from entering.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds, self.passed = seconds, False
        self._sockets: list[socket.socket] | None = []
        self._lock = Lock()
        self._timer = Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._before, _thread.deadline = getattr(_thread, "deadline", None), self
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None) -> None:
        _thread.deadline = self._before
        self._timer.cancel()
        with self._lock:
            sockets, self._sockets = self._sockets, None
        for each in sockets or ():
            each.close()

    def watch(self, connection: socket.socket) -> None:
        """Have a connection ended at the deadline."""
        with self._lock:
            if self._sockets is None or self.passed:
                return
            # A duplicate stays valid when TLS or the response takes over the connection's own descriptor.
            self._sockets.append(socket.socket(fileno=os.dup(connection.fileno())))

    def _end(self) -> None:
        with self._lock:
            self.passed = True
            for each in self._sockets or ():
                with suppress(OSError):  # the peer has closed it
                    each.shutdown(socket.SHUT_RDWR)


def watch(connection: socket.socket | None) -> None:
    """Have a connection ended at the deadline of the call that this thread makes, if it has one."""
    deadline: Deadline | None = getattr(_thread, "deadline", None)
    if deadline is not None and connection is not None:
        deadline.watch(connection)


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        made = super()._new_conn()
        watch(made)
        return made

    def request(self, *args: Any, **options: Any) -> None:
        watch(self.sock)  # one that an earlier call has opened
        super().request(*args, **options)


class _TlsConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        made = super()._new_conn()
        watch(made)
        return made

    def request(self, *args: Any, **options: Any) -> None:
        watch(self.sock)
        super().request(*args, **options)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


POOLS = {"http": _Pool, "https": _TlsPool}


class BoundedAdapter(HTTPAdapter):
    """Reads each response whole, within its limits; `stream` has no effect.

    Args:
        seconds: of a call, with its retries.
        max_bytes: of a response, unpacked.
        retries: see `HTTPAdapter`.
    """

    def __init__(self, seconds: float, max_bytes: int = MAX_BYTES, retries: Retry | int = 0) -> None:
        self.seconds, self.max_bytes = seconds, max_bytes
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
            try:
                response = super().send(request, True, timeout or self.seconds, verify, cert, proxies)
                with response.raw as raw:
                    body = _read(raw, self.max_bytes)
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


def _read(raw: Any, max_bytes: int) -> bytes:
    body = bytearray()
    for chunk in raw.stream(CHUNK_BYTES, decode_content=True):
        body += chunk
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

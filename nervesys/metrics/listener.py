"""Listening sockets that bound how many clients are connected, and how long a client may keep a connection waiting.

uvicorn's `limit_concurrency` answers 503 but leaves idle connections open, and it has no limit for a request that never
arrives. Both are here, at the sockets, so that TLS handshakes count too.
"""

import errno
import logging
import os
import resource
import socket
import time
from asyncio import Transport
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import IntEnum
from typing import Any

from nervesys.errors import NervesysError

MOST_CONNECTIONS = 512
FILE_SHARE = 4
"""The share of the process's file descriptors that connections may use: one in this many."""
REQUEST_SECONDS = 10.0
"""Longest time for the head of a request, TLS handshake included; and for its body."""
STALL_SECONDS = 30.0
"""Longest time in which a client reads nothing of a response."""
CLOSE_SECONDS = 10.0
"""Longest time that a connection may stay idle or take to close; uvicorn closes it before, unless the client stalls."""
LOG_SECONDS = 60.0
EVICTIONS_AT_ONCE = 32
"""Evicted connections that may still wait to be closed by the event loop; more than these are not accepted yet."""
BACKLOG = 2048
NO_RESOURCES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

log = logging.getLogger(__name__)


class Phase(IntEnum):
    """What a connection is doing; under pressure, the lowest is closed first, and `ANSWERED` never."""

    IDLE = 0
    RECEIVED = 1
    STALLED = 2
    ANSWERED = 3
    EVICTED = 4


class ClientSocket(socket.socket):
    """An accepted connection.

    Attributes:
        phase: what it is doing.
        since: when that began, in seconds of the monotonic clock.
        deadline: when it is closed unless it goes on, by the same clock; None for never.
        transport: None until asyncio has made it, which with TLS is after the handshake.
    """

    phase: Phase
    since: float
    deadline: float | None
    transport: Transport | None = None
    on_close: Callable[["ClientSocket"], None]

    def enter(self, phase: Phase, seconds: float | None) -> None:
        """Begin a phase, which may last so long."""
        self.phase, self.since = phase, time.monotonic()
        self.deadline = None if seconds is None else self.since + seconds

    def cut(self) -> None:
        """Close the connection without waiting for the client; the event loop does it in its next turn."""
        self.phase, self.deadline = Phase.EVICTED, None
        if self.transport is not None:
            self.transport.abort()
        else:
            with suppress(OSError):
                self.shutdown(socket.SHUT_RDWR)  # the handshake sees the end of its input, and gives up

    def close(self) -> None:
        """Close the socket, and free its place."""
        self.on_close(self)
        super().close()


class Connections:
    """The open connections of a program.

    Args:
        limit: largest number of open connections.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._open: dict[int, ClientSocket] = {}
        self._evicting = 0
        self._logged_at = -LOG_SECONDS
        self._unlogged = 0

    def __len__(self) -> int:
        return len(self._open)

    def sockets(self) -> list[ClientSocket]:
        """All of them, oldest first."""
        return list(self._open.values())

    def of(self, transport: Transport) -> ClientSocket | None:
        """The connection of a transport; None for a socket that was not accepted here."""
        return self._open.get(transport.get_extra_info("socket").fileno())

    def must_wait(self) -> bool:
        """Whether evicted connections have to be closed before more are accepted."""
        return self._evicting >= EVICTIONS_AT_ONCE

    def admit(self, client: ClientSocket) -> bool:
        """Take a new connection in, in place of another one where the limit is reached; False where none can go."""
        if len(self._open) >= self.limit and not self._evict():
            self.warn(f"refused a connection: {self.limit} are open, and all of them wait for a response")
            return False
        client.on_close = self._forget
        client.enter(Phase.RECEIVED, REQUEST_SECONDS)
        self._open[client.fileno()] = client
        return True

    def cut_overdue(self) -> None:
        """Close the connections whose time is over."""
        now = time.monotonic()
        for client in self.sockets():
            if client.deadline is not None and client.deadline <= now:
                self._cut(client)

    def warn(self, message: str) -> None:
        """Log a warning, but at most one a minute; the next one says how many were left out."""
        now = time.monotonic()
        if now - self._logged_at < LOG_SECONDS:
            self._unlogged += 1
            return
        more = f" ({self._unlogged} more warnings since the last one)" if self._unlogged else ""
        self._logged_at, self._unlogged = now, 0
        log.warning("%s%s", message, more)

    def _evict(self) -> bool:
        candidates = [client for client in self._open.values() if client.phase < Phase.ANSWERED]
        if not candidates:
            return False
        self._cut(min(candidates, key=lambda client: (client.phase, client.since)))
        self.warn(f"closed an idle or slow connection: {self.limit} are open, which is the limit")
        return True

    def _cut(self, client: ClientSocket) -> None:
        self._evicting += client.phase is not Phase.EVICTED
        client.cut()

    def _forget(self, client: ClientSocket) -> None:
        if self._open.get(client.fileno()) is client:
            del self._open[client.fileno()]
            self._evicting -= client.phase is Phase.EVICTED


class Listener(socket.socket):
    """A listening socket.

    Attributes:
        connections: those that it accepted, shared with the other sockets of the same program.
    """

    connections: Connections
    _spare: int | None = None

    def listen_at(self, address: Any, connections: Connections) -> None:
        """Bind and listen.

        Raises:
            OSError: the address cannot be used.
        """
        self.connections = connections
        self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self.family is socket.AF_INET6:
            self.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        self.bind(address)
        self.listen(BACKLOG)
        self.setblocking(False)
        self._spare = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection that may stay; the event loop calls this.

        Raises:
            BlockingIOError: there is none now.
        """
        while not self.connections.must_wait():
            try:
                accepted, address = super().accept()
            except OSError as err:
                if err.errno in NO_RESOURCES:
                    self._drop_next(err)
                    raise BlockingIOError from err  # asyncio itself would log each failure, with a traceback
                raise
            client = ClientSocket(accepted.family, accepted.type, accepted.proto, accepted.detach())
            if self.connections.admit(client):
                return client, address
            socket.socket.close(client)
        raise BlockingIOError

    def close(self) -> None:
        """Close the socket and the descriptor that it keeps in reserve."""
        if self._spare is not None:
            os.close(self._spare)
            self._spare = None
        super().close()

    def _drop_next(self, err: OSError) -> None:
        """Refuse the next connection with the descriptor in reserve; left waiting, it would keep the loop busy."""
        self.connections.warn(f"refused a connection: {err.strerror}")
        if self._spare is None:
            time.sleep(0.05)
        else:
            os.close(self._spare)
            with suppress(OSError):
                super().accept()[0].close()
        try:
            self._spare = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._spare = None


def raise_file_limit() -> int:
    """Raise the soft limit of file descriptors to the hard one; returns the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # some systems have a lower limit of their own, which no call returns
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return soft if soft >= 0 else MOST_CONNECTIONS * FILE_SHARE


def connection_limit(files: int) -> int:
    """How many connections a process may hold open, given its limit of file descriptors."""
    return max(1, min(MOST_CONNECTIONS, files // FILE_SHARE))


def open_listeners(host: str, port: int, connections: Connections) -> list[Listener]:
    """Listen at every address of a host.

    Raises:
        NervesysError: an address cannot be used.
    """
    listeners: list[Listener] = []
    try:
        for family, kind, protocol, address in _addresses(host, port):
            listeners.append(Listener(family, kind, protocol))
            listeners[-1].listen_at(address, connections)
    except OSError as err:
        for listener in listeners:
            listener.close()
        raise NervesysError(f"listen at {host}:{port}: {err.strerror or err}") from err
    return listeners


def _addresses(host: str, port: int) -> Iterator[tuple[socket.AddressFamily, socket.SocketKind, int, Any]]:
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for family, kind, protocol, _, address in dict.fromkeys(found):
        yield family, kind, protocol, address

"""uvicorn's server with limits for clients that are slow or silent."""

import logging
import time
from functools import partial
from typing import Any, cast

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from nervesys.metrics.listener import (
    BACKLOG,
    CLOSE_SECONDS,
    LOG_SECONDS,
    REQUEST_SECONDS,
    STALL_SECONDS,
    ClientSocket,
    Connections,
    Phase,
)

GRACE_SECONDS = 2.0
"""That the application gets beyond the time limit of a body, to answer 408 itself."""
TICKS = 10
"""uvicorn's ticks in a second."""


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 on one connection; reports its phase to the table of connections."""

    _client: ClientSocket

    def __init__(self, connections: Connections, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._open_connections = connections
        self._body = False

    def connection_made(self, transport: Any) -> None:
        """Take over from the TLS handshake; the time that it took counts."""
        client = self._open_connections.of(transport)
        assert client is not None, "every socket was accepted by a listener of ours"
        self._client, client.transport = client, transport
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Read on; the first byte of a request starts its time."""
        if self._client.phase is Phase.IDLE:
            self._client.enter(Phase.RECEIVED, REQUEST_SECONDS)
        super().data_received(data)
        self._follow()

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the rest of this one, which nobody reads."""
        super().on_response_complete()
        self._follow()

    def pause_writing(self) -> None:
        """The client does not read its response."""
        super().pause_writing()
        self._enter(Phase.STALLED, STALL_SECONDS)

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self._enter(Phase.ANSWERED, None)
        self._follow()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, with the header that uvicorn does not set here."""
        headers = [("content-type", "text/plain; charset=utf-8"), ("connection", "close")]
        headers.append(("x-content-type-options", "nosniff"))
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=f"{msg}\n".encode()),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
        self._enter(Phase.IDLE, CLOSE_SECONDS)

    def _follow(self) -> None:
        """Derive the phase from the state of the request."""
        before, self._body = self._body, self.conn.their_state is h11.SEND_BODY
        if self._body and before:
            return  # a body that trickles in gets no more time
        if self._body:
            self._enter(Phase.RECEIVED, REQUEST_SECONDS + GRACE_SECONDS)
        elif self._client.phase is Phase.STALLED:
            return
        elif self.conn.their_state is h11.IDLE:
            if self._client.phase is not Phase.RECEIVED or before:  # else a part of the head is here
                self._enter(Phase.IDLE, CLOSE_SECONDS)
        elif self.cycle is None or self.cycle.response_complete:
            self._enter(Phase.IDLE, CLOSE_SECONDS)
        else:
            self._enter(Phase.ANSWERED, None)

    def _enter(self, phase: Phase, seconds: float | None) -> None:
        if self._client.phase is not Phase.EVICTED:
            self._client.enter(phase, seconds)


class BoundedServer(uvicorn.Server):
    """uvicorn's server, which closes overdue connections each second."""

    def __init__(self, config: uvicorn.Config, connections: Connections) -> None:
        super().__init__(config)
        self._open_connections = connections

    async def on_tick(self, counter: int) -> bool:
        """Do what is due."""
        if counter % TICKS == 0:
            self._open_connections.cut_overdue()
        return await super().on_tick(counter)


class OncePerMinute(logging.Filter):
    """Lets each warning pass once a minute; clients could fill the log with them otherwise. Errors always pass."""

    def __init__(self) -> None:
        super().__init__()
        self._logged: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged."""
        if record.levelno >= logging.ERROR:
            return True
        now, message = time.monotonic(), str(record.msg)
        if now - self._logged.get(message, -LOG_SECONDS) < LOG_SECONDS:
            return False
        self._logged[message] = now
        return True


def bounded_server(app: ASGIApp, connections: Connections, tls: dict[str, str | None]) -> BoundedServer:
    """A server for an application.

    Args:
        app: the application.
        connections: those of its listening sockets.
        tls: uvicorn's options for TLS.
    """
    config = uvicorn.Config(
        app,
        loop="asyncio",  # uvloop does not accept by the listener's method
        http=cast("Any", partial(BoundedProtocol, connections)),
        ws="none",
        backlog=BACKLOG,
        access_log=False,
        server_header=False,
        log_config=None,
        timeout_graceful_shutdown=5,
        **cast("dict[str, Any]", tls),
    )
    logger = logging.getLogger("uvicorn.error")
    if not any(isinstance(known, OncePerMinute) for known in logger.filters):
        logger.addFilter(OncePerMinute())
    return BoundedServer(config, connections)

"""Runs blocking database work in threads, with a time limit after which the connection is closed.

The server's own limits (`statement_timeout` and others) end slow statements. They do not help if the server itself
hangs, so there is one more limit on the client's side.
"""

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import Engine, event

Result = TypeVar("Result")

MAX_CONNECTIONS = 5
"""Concurrent transactions, and connections."""


class WorkerThreads:
    """The threads of one server.

    Args:
        engine: whose connections they use.
        seconds: time limit of one piece of work.
    """

    def __init__(self, engine: Engine, seconds: float) -> None:
        self._pool = ThreadPoolExecutor(MAX_CONNECTIONS, "database")
        self._seconds = seconds
        self._connections: dict[int, Any] = {}
        event.listen(engine, "checkout", self._on_checkout)
        event.listen(engine, "checkin", self._on_checkin)

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run work in a thread.

        Raises:
            TimeoutError: it took too long; its connection was closed, and whether it happened is unknown.
        """
        thread: list[int] = []

        def run_work() -> Result:
            thread.append(threading.get_ident())
            return work()

        call = self._pool.submit(run_work)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(call), self._seconds)
        except TimeoutError:
            if call.running():
                self._shut_down(self._connections.get(thread[0]))
            raise

    def close(self) -> None:
        """Cancel all work, and close its connections."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for connection in list(self._connections.values()):
            self._shut_down(connection)

    def _on_checkout(self, connection: Any, *_: object) -> None:
        self._connections[threading.get_ident()] = connection

    def _on_checkin(self, *_: object) -> None:
        self._connections.pop(threading.get_ident(), None)

    def _shut_down(self, connection: Any) -> None:
        """Shut down a connection's socket, which makes the thread that waits for it fail."""
        with suppress(AttributeError, OSError), socket.socket(fileno=os.dup(connection.fileno())) as duplicate:
            duplicate.shutdown(socket.SHUT_RDWR)

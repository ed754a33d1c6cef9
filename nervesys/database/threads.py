"""Lets threads wait for a server, so that an event loop need not; and hangs up on one that does not answer.

The server's own limits (`statement_timeout` and the like) end what is slow. They end nothing where the server itself
stands still, so here is one more limit, which is ours.
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

AT_ONCE = 5
"""Transactions under way; as many connections are kept."""


class Threads:
    """Threads that wait for one server.

    Args:
        engine: whose connections they use.
        seconds: that one piece of work may take.
    """

    def __init__(self, engine: Engine, seconds: float) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE, "database")
        self._seconds = seconds
        self._lines: dict[int, Any] = {}
        event.listen(engine, "checkout", self._taken)
        event.listen(engine, "checkin", self._given_back)

    async def run(self, work: Callable[[], Result]) -> Result:
        """Have a thread do it.

        Raises:
            TimeoutError: there was no end to it; its connection is cut, and whether it took place is not known.
        """
        thread: list[int] = []

        def begun() -> Result:
            thread.append(threading.get_ident())
            return work()

        call = self._pool.submit(begun)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(call), self._seconds)
        except TimeoutError:
            if call.running():
                self._hang_up(self._lines.get(thread[0]))
            raise

    def close(self) -> None:
        """Let nobody wait any longer."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for line in list(self._lines.values()):
            self._hang_up(line)

    def _taken(self, line: Any, *_: object) -> None:
        self._lines[threading.get_ident()] = line

    def _given_back(self, *_: object) -> None:
        self._lines.pop(threading.get_ident(), None)

    def _hang_up(self, line: Any) -> None:
        """Cut a connection under whoever waits for it: the thread meets its end, and no memory is shared for it."""
        with suppress(AttributeError, OSError), socket.socket(fileno=os.dup(line.fileno())) as wire:
            wire.shutdown(socket.SHUT_RDWR)

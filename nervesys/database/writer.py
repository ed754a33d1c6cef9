"""Group commit: all operations that are requested in one turn of the event loop share one commit.

A commit waits for the disk. Sharing it allows many requests to be answered only after their data is durable. Operations
that arrive during a commit are part of the next one.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection

from nervesys.database.database import Database, Operation, Result
from nervesys.errors import DatabaseUnavailable

GROUP = 256
"""Most operations in one commit, so that a commit stays within the server's time limit."""

log = logging.getLogger(__name__)

Waiting = tuple[Operation[Any], asyncio.Future[Any]]


class Writer:
    """Groups operations into commits.

    Args:
        database: no other writer in this process may write to it.
        failed: called once for each failed commit.

    Attributes:
        failure: why the last commit failed; None if it succeeded.
    """

    def __init__(self, database: Database, failed: Callable[[], None] = lambda: None) -> None:
        self._database = database
        self._failed = failed
        self.failure: str | None = None
        self._waiting: list[Waiting] = []
        self._work: asyncio.Task[None] | None = None

    async def commit(self, operation: Operation[Result]) -> Result:
        """Run an operation, and return its result once it is durable.

        Raises:
            DatabaseUnavailable: the commit failed.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Result] = loop.create_future()
        self._waiting.append((operation, done))
        if self._work is None or self._work.done():
            self._work = loop.create_task(self._commit_all())
        return await done

    async def _commit_all(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:GROUP], self._waiting[GROUP:]
            await self._commit(group)

    async def _commit(self, group: Sequence[Waiting]) -> None:
        results: list[Any] = []
        used = self._database
        failure: DatabaseUnavailable | None = used.unavailable(f"use {used.called}: an operation is wrong")
        try:
            results = await used.run(lambda connection: _all(connection, group), alone=True)
            failure = None
        except DatabaseUnavailable as err:
            failure = err
        except Exception:  # later commits must still run
            log.exception("a commit to %s has a bug", used.called)
        finally:  # no caller may wait for ever
            self.failure = str(failure) if failure else None
            if failure:
                self._failed()
            for index, (_, done) in enumerate(group):
                if done.cancelled():
                    continue
                if failure:
                    done.set_exception(failure)
                else:
                    done.set_result(results[index])


def _all(connection: Connection, group: Sequence[Waiting]) -> list[Any]:
    return [operation(connection) for operation, _ in group]

"""A database's one writer: everything that was asked for in one turn of the event loop is one commit.

A commit waits for the disk; sharing it is what lets a storm of requests each be answered only after theirs is on disk.
While a server is waited for, what is asked for meanwhile gathers for the next commit.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection

from nervesys.database.database import Database, Operation, Result
from nervesys.errors import DatabaseUnavailable

GROUP = 256
"""Operations in one commit: what a server is given time for has an end."""

log = logging.getLogger(__name__)

Waiting = tuple[Operation[Any], asyncio.Future[Any]]


class Writer:
    """Groups operations into commits.

    Args:
        database: written to by this writer only.
        failed: called once for each commit that failed.

    Attributes:
        failure: why the last commit failed; None when it did not.
    """

    def __init__(self, database: Database, failed: Callable[[], None] = lambda: None) -> None:
        self._database = database
        self._failed = failed
        self.failure: str | None = None
        self._waiting: list[Waiting] = []
        self._work: asyncio.Task[None] | None = None

    async def commit(self, operation: Operation[Result]) -> Result:
        """Run an operation; returns its result once that is on disk.

        Raises:
            DatabaseUnavailable: nothing may be promised of it.
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
        except Exception:  # those after it shall be written all the same
            log.exception("a commit to %s has a bug", used.called)
        finally:  # whatever went wrong, nobody is left waiting
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

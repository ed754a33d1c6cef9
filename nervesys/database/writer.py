"""A database's one writer: everything that was asked for in one turn of the event loop is one commit.

A commit waits for the disk; sharing it is what lets a storm of requests each be answered only after theirs is on disk.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection

from nervesys.database.database import Database
from nervesys.errors import DatabaseUnavailable

Result = TypeVar("Result")
Operation = Callable[[Connection], Result]


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
        self._waiting: list[tuple[Operation[Any], asyncio.Future[Any]]] = []

    async def commit(self, operation: Operation[Result]) -> Result:
        """Run an operation; returns its result once that is on disk.

        Raises:
            DatabaseUnavailable: nothing of it was kept.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Result] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._flush)
        self._waiting.append((operation, done))
        return await done

    def _flush(self) -> None:
        batch, self._waiting = self._waiting, []
        results: list[Any] = []
        used = self._database
        failure: DatabaseUnavailable | None = used.unavailable(f"use {used.called}: an operation is wrong")
        try:
            with used.alone() as connection:
                results = [operation(connection) for operation, _ in batch]
            failure = None
        except DatabaseUnavailable as err:
            failure = err
        finally:  # whatever went wrong, nobody is left waiting
            self.failure = str(failure) if failure else None
            if failure:
                self._failed()
            for index, (_, done) in enumerate(batch):
                if done.cancelled():
                    continue
                if failure:
                    done.set_exception(failure)
                else:
                    done.set_result(results[index])

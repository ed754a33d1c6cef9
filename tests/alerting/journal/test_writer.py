"""One commit for all writes of one turn of the event loop."""

import asyncio

import pytest
from sqlalchemy import Connection, event

from alerting.journal import Journal, JournalUnavailable, Writer


def test_a_turn_of_the_loop_is_one_commit(journal: Journal) -> None:
    commits = []
    event.listen(journal._engine, "commit", lambda _: commits.append(1))
    writer = Writer(journal)

    async def storm() -> list[int]:
        return await asyncio.gather(*(writer.commit(lambda _, n=n: n) for n in range(100)))  # type: ignore[misc]

    assert asyncio.run(storm()) == list(range(100))
    assert len(commits) == 1


def test_where_the_commit_fails_every_caller_gets_the_error(journal: Journal) -> None:
    failures = []
    writer = Writer(journal, lambda: failures.append(1))

    def wrong(connection: Connection) -> None:
        connection.exec_driver_sql("INSERT INTO nowhere VALUES (1)")

    async def together() -> list[object]:
        right = writer.commit(lambda _: 1)
        return list(await asyncio.gather(right, writer.commit(wrong), return_exceptions=True))

    answers = asyncio.run(together())
    assert [type(answer) for answer in answers] == [JournalUnavailable, JournalUnavailable]
    assert len(failures) == 1
    assert writer.failure in {
        "use the journal: no such table: nowhere",
        'use the journal: relation "nowhere" does not exist',
    }
    assert asyncio.run(writer.commit(lambda _: 2)) == 2
    assert writer.failure is None


def test_a_mistake_of_ours_leaves_nobody_waiting(journal: Journal, caplog: pytest.LogCaptureFixture) -> None:
    writer = Writer(journal)

    async def wrong() -> int:
        with pytest.raises(JournalUnavailable):
            await writer.commit(lambda _: 1 // 0)
        return await writer.commit(lambda _: 2)

    assert asyncio.run(wrong()) == 2
    assert "ZeroDivisionError" in caplog.text

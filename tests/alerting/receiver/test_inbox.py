"""Concurrent requests share a commit, and each gets its own response."""

import asyncio
from pathlib import Path

import pytest

from alerting.journal import Journal, JournalUnavailable, StateChange, Writer, view
from alerting.receiver.inbox import Inbox
from tests.alerting.receiver.simulation import START, agent_down

AGENTS = [f"agent-{number}" for number in range(20)]


class Batches:
    """An inbox whose batches are counted."""

    def __init__(self, folder: Path) -> None:
        self.journal = Journal.open(f"sqlite:///{folder / 'journal.sqlite3'}")
        self.received: list[list[StateChange]] = []
        self.inbox = Inbox(Writer(self.journal), lambda: START, self.received.append)


@pytest.fixture
def batches(tmp_path: Path) -> Batches:
    return Batches(tmp_path)


def test_requests_of_one_turn_are_one_batch(batches: Batches) -> None:
    async def storm() -> None:
        await asyncio.gather(*(batches.inbox.put([agent_down(agent)]) for agent in AGENTS))

    asyncio.run(storm())
    assert [[change.agent for change in batch] for batch in batches.received] == [AGENTS]


def test_nothing_is_written_where_nothing_is_to_be_journalled(batches: Batches) -> None:
    asyncio.run(batches.inbox.put([]))
    assert batches.received == []


def test_a_sender_that_hangs_up_takes_no_other_alert_with_it(batches: Batches) -> None:
    async def storm() -> None:
        first, second = (asyncio.create_task(batches.inbox.put([agent_down(agent)])) for agent in AGENTS[:2])
        await asyncio.sleep(0)
        first.cancel()
        await second

    asyncio.run(storm())
    with batches.journal.transaction() as connection:
        assert len(view.actions(connection, view.ActionFilter())) == 2


def test_every_request_gets_the_error_where_the_commit_fails(batches: Batches) -> None:
    broken = agent_down(AGENTS[0], labels=None)

    async def storm() -> tuple[BaseException | None, ...]:
        right = batches.inbox.put([agent_down(AGENTS[1])])
        return await asyncio.gather(batches.inbox.put([broken]), right, return_exceptions=True)

    assert [type(item) for item in asyncio.run(storm())] == [JournalUnavailable, JournalUnavailable]
    asyncio.run(batches.inbox.put([agent_down(AGENTS[1])]))
    assert len(batches.received) == 1

"""Receivers that share PostgreSQL claim concurrently: nothing is claimed twice, and none waits for another."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, update

from alerting.journal import Episode, Journal, StateChange, episodes, records, tables
from alerting.journal.records import Record
from alerting.receiver.orders import ORDERS
from tests.alerting.journal.kit import DOWN, take
from tests.servers.postgres import Postgres

Claim = Callable[[Connection], Sequence[Episode | Record]]


def claim_episodes(connection: Connection) -> list[Episode]:
    return episodes.claim(connection, 110, owner="a receiver", until=125)


def claim_records(connection: Connection) -> list[Record]:
    return records.claim(connection, "log_to", 110, until=125)


both = pytest.mark.parametrize("claim", [claim_episodes, claim_records])


@pytest.fixture
def shared(postgresql: Postgres) -> Iterator[Journal]:
    """A journal with two agents in trouble."""
    opened = Journal.open(postgresql.database())
    take(opened, DOWN, replace(DOWN, agent="gimai", fingerprint="f2"))
    yield opened
    opened.close()


@both
def test_what_another_is_claiming_at_this_moment_is_skipped(shared: Journal, claim: Claim) -> None:
    with shared.transaction() as item, shared.transaction() as other:
        assert len(claim(item)) == 2
        assert claim(other) == []


@pytest.mark.parametrize(("name", "state"), [("restart", "pending"), ("cancel", "failed")])
def test_an_order_of_an_operator_is_not_lost_to_a_claim_at_the_same_moment(
    shared: Journal, monkeypatch: pytest.MonkeyPatch, name: str, state: str
) -> None:
    """Another receiver claims the episode after the order has read it, and before it is written."""
    decide = episodes.decide

    def claim_and_decide(*args: Any, **fields: Any) -> list[StateChange]:
        with shared.transaction() as other:
            claim_episodes(other)
        return decide(*args, **fields)

    monkeypatch.setattr(episodes, "decide", claim_and_decide)
    with shared.alone() as connection:
        assert ORDERS[name](connection, "grok", 1, 120) is not None
    with shared.transaction() as connection:
        episode = episodes.read_episode(connection, 1)
        assert episode is not None
        assert (episode.agent, episode.state, episode.lease_owner) == ("grok", state, None)
        assert episode.verdict in {"ordered", "cancelled"}


@both
def test_one_row_that_is_being_written_holds_up_no_other(shared: Journal, claim: Claim) -> None:
    table = tables.episodes if claim is claim_episodes else tables.records
    with shared.transaction() as writing, shared.transaction() as claiming:
        writing.execute(update(table).where(table.c.id == 1).values(detail="it is written to"))
        assert [item.agent for item in claim(claiming)] == ["gimai"]

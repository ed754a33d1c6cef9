"""Many episodes at once: each is written as if alone, with as many statements for many as for one.

Covers: alerting.journal.batches, alerting.journal.incidents, alerting.receiver.decision_writer,
alerting.receiver.journal_facts.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import Connection, event

from alerting.journal import ActionState, Episode, Journal, StateChange, batches, episodes, incidents, view
from alerting.journal.batches import EpisodeChange
from alerting.journal.receive import receive
from alerting.journal.states import FLEET, EpisodeVerdict
from tests.alerting.journal.kit import DOWN, take

AGENTS = [f"agent-{number}" for number in range(40)]
LEASE = {"driver": "supervisor", "lease_owner": "one", "lease_until": 125.0, "due_at": 125.0}


@pytest.fixture
def opened(journal: Journal) -> dict[str, Episode]:
    """An open episode of each agent."""
    take(journal, *(replace(DOWN, agent=agent, fingerprint=agent) for agent in AGENTS))
    with journal.transaction() as connection:
        return episodes.latest_of(connection, "restart_agent", AGENTS)


@contextmanager
def statements(connection: Connection) -> Iterator[list[str]]:
    """The statements that are executed in the block."""
    executed: list[str] = []

    def add(_: object, __: object, statement: str, *___: object) -> None:
        executed.append(statement)

    event.listen(connection, "before_cursor_execute", add)
    yield executed
    event.remove(connection, "before_cursor_execute", add)


def test_an_attempt_begins_only_for_what_nobody_has_changed_meanwhile(
    journal: Journal, opened: dict[str, Episode]
) -> None:
    with journal.transaction() as connection:
        taken = opened["agent-3"]
        act = EpisodeChange(taken, ActionState.RUNNING, EpisodeVerdict.ACT, "", {**LEASE, "lease_owner": "two"})
        assert batches.begin_attempts(connection, [act], 105)
        wanted = [EpisodeChange(each, ActionState.RUNNING, EpisodeVerdict.ACT, "", LEASE) for each in opened.values()]
        begun = batches.begin_attempts(connection, wanted, 110)
        assert {episode.agent for episode, _ in begun} == {*AGENTS} - {"agent-3"}
        assert len({attempt for _, attempt in begun}) == len(begun)
        story = view.read_details(connection, opened["agent-7"].id)
        assert story is not None
        assert [(call["number"], call["started_at"]) for call in story["calls"]] == [(1, 110)]
        assert story["history"][-1]["detail"] == "attempt 1 by supervisor"
        found = batches.list_attempts(connection, "restart_agent", ["agent-3", "agent-7", "other"], 100)
        assert found == {"agent-3": (105,), "agent-7": (110,)}


def test_a_decision_is_written_only_to_what_nobody_has_changed_meanwhile(
    journal: Journal, opened: dict[str, Episode]
) -> None:
    ruling = (ActionState.RECOVERED, EpisodeVerdict.PROVEN, "it runs", {"due_at": 900.0, "sign": "two"})
    with journal.transaction() as connection:
        assert episodes.decide(connection, opened["agent-0"], ActionState.FAILED, "acknowledged", "", 105)
        changed = batches.decide_all(connection, [EpisodeChange(each, *ruling) for each in opened.values()], 110)
        change = StateChange("agent-1", "restart_agent", ActionState.RECOVERED, "it runs")
        assert changed[opened["agent-1"].id] == [change]
        assert opened["agent-0"].id not in changed
        now = episodes.latest(connection, "restart_agent", "agent-1")
        assert now is not None
        assert (now.state, now.closed_at, now.due_at, now.sign) == (ActionState.RECOVERED, 110, 900, "two")
        proven = batches.count_verdicts(connection, "restart_agent", AGENTS, EpisodeVerdict.PROVEN, 100)
        assert proven == dict.fromkeys(AGENTS[1:], 1)


def test_a_decision_without_news_adds_no_line_to_the_history(journal: Journal, opened: dict[str, Episode]) -> None:
    same = [EpisodeChange(each, each.state, each.verdict, "as before", {"due_at": 200.0}) for each in opened.values()]
    with journal.transaction() as connection:
        assert batches.decide_all(connection, same, 110) == {}
        now = episodes.latest(connection, "restart_agent", "agent-1")
        story = view.read_details(connection, opened["agent-1"].id)
    assert now is not None
    assert story is not None
    assert (now.due_at, now.updated_at, len(story["history"])) == (200, 100, 1)


def test_a_storm_takes_as_many_statements_as_two_alerts(journal: Journal) -> None:
    storm = [replace(DOWN, agent=agent, fingerprint=agent) for agent in AGENTS]
    with journal.transaction() as connection:
        with statements(connection) as few:
            receive(connection, storm[:2], 100)
        with statements(connection) as many:
            receive(connection, storm[2:], 100)
        seen = list(episodes.latest_of(connection, "restart_agent", AGENTS).values())
        with statements(connection) as begun:
            batches.begin_attempts(
                connection,
                [EpisodeChange(each, ActionState.RUNNING, EpisodeVerdict.ACT, "", LEASE) for each in seen],
                110,
            )
    assert len(many) == len(few) < 10
    assert len(begun) == 4


def test_those_held_back_for_longest_are_woken_first(journal: Journal, opened: dict[str, Episode]) -> None:
    held = (ActionState.DEFERRED, EpisodeVerdict.BLAST_RADIUS, "", {"due_at": 500.0})
    with journal.transaction() as connection:
        batches.decide_all(connection, [EpisodeChange(each, *held) for each in opened.values()], 110)
        incidents.wake_held(connection, "restart_agent", 120, 2)
        woken = episodes.claim(connection, 120, owner="one", until=135)
    assert [each.id for each in woken] == sorted(each.id for each in opened.values())[:2]


def test_what_failed_before_the_first_proof_is_no_failure(journal: Journal, opened: dict[str, Episode]) -> None:
    with journal.transaction() as connection:
        incident = episodes.open_episode(
            connection, "restart_agent", FLEET, "blast_radius", "", 100, state=ActionState.ESCALATED
        )
        ended = {
            "agent-0": (ActionState.ESCALATED, EpisodeVerdict.WAITING, 110.0),
            "agent-1": (ActionState.RECOVERED, EpisodeVerdict.PROVEN, 120.0),
            "agent-2": (ActionState.ESCALATED, EpisodeVerdict.WAITING, 130.0),
        }
        for agent, (state, verdict, at) in ended.items():
            fields = {"attempt_at": at, "trial_of": incident.id, "due_at": None}
            batches.decide_all(connection, [EpisodeChange(opened[agent], state, verdict, "", fields)], 140)
        trials = incidents.read_trials(connection, incident.id)
    assert trials == incidents.Trials({ActionState.ESCALATED: 1, ActionState.RECOVERED: 1}, 120, 130, 1)

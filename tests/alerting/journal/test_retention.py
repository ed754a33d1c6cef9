"""Old ended rows are deleted, and nothing that is still needed."""

from dataclasses import replace

from sqlalchemy import Connection, func, select

from alerting.journal import ActionState, EpisodeVerdict, Journal, episodes
from alerting.journal.batches import EpisodeChange, begin_attempts
from alerting.journal.receive import receive
from alerting.journal.records import claim, finish
from alerting.journal.retention import BATCH, delete_ended
from alerting.journal.tables import metadata
from tests.alerting.journal.kit import DOWN, end, newest, take

DAY = 86400.0


def rows(connection: Connection) -> dict[str, int]:
    counts = {
        t.name: connection.execute(select(func.count()).select_from(t)).scalar_one() for t in metadata.sorted_tables
    }
    return {name: count for name, count in counts.items() if count}


def settle_records(journal: Journal) -> None:
    with journal.transaction() as connection:
        finish(connection, claim(connection, "log_to", 200, until=260), ActionState.SUCCEEDED, "", 200)


def test_what_ended_goes_whole(journal: Journal) -> None:
    take(journal, DOWN)
    episode = newest(journal)
    with journal.transaction() as connection:
        fields = {"driver": "supervisor", "lease_owner": "one", "lease_until": 125}
        act = EpisodeChange(episode, ActionState.RUNNING, EpisodeVerdict.ACT, "", fields)
        ((_, attempt),) = begin_attempts(connection, [act], 110)
        episodes.end_attempt(connection, attempt, 111, "done", "")
    end(journal, ActionState.RECOVERED)
    settle_records(journal)
    with journal.alone() as connection:
        assert not delete_ended(connection, before=200)
        assert rows(connection)["episodes"] == 1, "it ended just then"
        assert not delete_ended(connection, before=201)
        assert rows(connection) == {}


def test_what_is_open_stays(journal: Journal) -> None:
    take(journal, DOWN)
    with journal.alone() as connection:
        delete_ended(connection, before=DAY)
        assert {"episodes", "alerts", "evidence", "records"} <= set(rows(connection))


def test_an_episode_that_people_ended_stays_while_its_alert_still_comes(journal: Journal) -> None:
    take(journal, DOWN)
    end(journal, ActionState.FAILED)
    take(journal, DOWN, now=DAY)
    with journal.alone() as connection:
        delete_ended(connection, before=DAY)
    take(journal, DOWN, now=DAY + 1)
    assert newest(journal).state is ActionState.FAILED


def test_a_trial_outlives_its_incident(journal: Journal) -> None:
    with journal.alone() as connection:
        incident = episodes.open_episode(connection, "restart_agent", "*", "", "", 100, state=ActionState.ESCALATED)
        receive(connection, [DOWN], 100)
        trial = episodes.latest(connection, "restart_agent", "grok")
        assert trial is not None
        episodes.decide(connection, trial, ActionState.PENDING, "act", "", 101, trial_of=incident.id)
        episodes.acknowledge(connection, incident.id, 102)
        delete_ended(connection, before=103)
    assert newest(journal).trial_of is None


def test_a_long_past_is_forgotten_in_steps(journal: Journal) -> None:
    arrivals = [replace(DOWN, agent="", fingerprint=f"f{n}", remedies=(), records=()) for n in range(BATCH + 1)]
    take(journal, *arrivals)
    with journal.alone() as connection:
        assert delete_ended(connection, before=DAY)
        assert rows(connection) == {"alerts": 1}
        assert not delete_ended(connection, before=DAY)
        assert rows(connection) == {}

"""The journal: one open row an action and agent, leases, and no partial writes.

Covers: alerting.journal.episodes, alerting.journal.instances, alerting.journal.receive, alerting.journal.records,
alerting.journal.states, alerting.journal.tables, alerting.journal.migrations.env.
"""

from dataclasses import replace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, event, insert
from sqlalchemy.exc import IntegrityError

from alerting.journal import ActionState, Episode, EpisodeVerdict, Journal, JournalUnavailable, batches, episodes, view
from alerting.journal.batches import EpisodeChange, begin_attempts
from alerting.journal.receive import Arrival, receive
from alerting.journal.records import claim as claim_records
from alerting.journal.records import finish
from alerting.journal.tables import episodes as table
from alerting.journal.tables import metadata
from tests.alerting.journal.kit import DOWN, end, newest, take


# SQLAlchemy reads no indexes of expressions back from SQLite; `test_view` sees that it is used.
@pytest.mark.filterwarnings("ignore:.*expression-based index .?ix_records_(changed|state)")
def test_the_schema_is_what_the_tables_say(journal: Journal) -> None:
    with journal.transaction() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_it_opens_again_with_what_it_held(journal: Journal, url: str) -> None:
    take(journal, DOWN)
    again = Journal.open(url)
    assert newest(again).agent == "grok"
    again.close()


def test_a_journal_that_cannot_be_opened_says_so_without_a_traceback() -> None:
    with pytest.raises(JournalUnavailable, match="unable to open"):
        Journal.open("sqlite:////nonexistent/folder/journal.sqlite3")


def test_a_firing_opens_an_episode_and_a_record(journal: Journal) -> None:
    changes = take(journal, DOWN)
    assert [(entry.action, entry.state) for entry in changes] == [
        ("restart_agent", ActionState.PENDING),
        ("log_to", ActionState.PENDING),
    ]


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(DOWN, id="a repeat"),
        pytest.param(replace(DOWN, sender="grafana"), id="a twin from another sender"),
        pytest.param(replace(DOWN, fingerprint="f2", starts_at="later"), id="another firing"),
        pytest.param(replace(DOWN, alertname="AgentGone"), id="another alert of the same agent"),
        pytest.param(replace(DOWN, status="resolved"), id="resolved"),
    ],
)
def test_an_open_episode_absorbs(journal: Journal, again: Arrival) -> None:
    take(journal, DOWN)
    with journal.transaction() as connection:
        batches.schedule_checks(connection, [1], 999)
    take(journal, again, now=150)
    with journal.transaction() as connection:
        assert len(view.actions(connection, view.ActionFilter(action="restart_agent"))) == 1
    assert newest(journal).due_at == episodes.AT_ONCE, "whatever was received, the receiver looks"


@pytest.mark.parametrize(
    ("again", "opens"),
    [
        pytest.param(DOWN, False, id="a late repeat of the firing that it healed is no new trouble"),
        pytest.param(replace(DOWN, starts_at="later"), True, id="a new firing opens another"),
        pytest.param(replace(DOWN, status="resolved"), False, id="resolved opens nothing"),
    ],
)
def test_after_an_episode_has_ended(journal: Journal, again: Arrival, opens: bool) -> None:
    take(journal, DOWN)
    end(journal, ActionState.RECOVERED)
    take(journal, again, now=300)
    assert newest(journal).open is opens


@pytest.mark.parametrize("first", [False, True], ids=["trouble comes first", "the test comes first"])
def test_a_test_neither_joins_trouble_nor_absorbs_it(journal: Journal, first: bool) -> None:
    for test in (first, not first):
        take(journal, replace(DOWN, test=test, fingerprint=f"test {test}"))
    with journal.transaction() as connection:
        both = [episodes.latest(connection, "restart_agent", "grok", test=test) for test in (False, True)]
    assert [entry and (entry.open, entry.test) for entry in both] == [(True, False), (True, True)]


def test_one_alert_that_comes_twice_in_a_batch_is_one_row_that_was_seen_twice(journal: Journal) -> None:
    changes = take(journal, DOWN, replace(DOWN, sender="grafana"))
    assert [(entry.action, entry.state) for entry in changes] == [("restart_agent", "pending"), ("log_to", "pending")]
    with journal.transaction() as connection:
        story = view.read_details(connection, 1)
    assert story is not None
    assert [(alert["sender"], alert["times"]) for alert in story["evidence"]] == [("alertmanager", 2)]


def test_the_alerts_of_a_batch_share_their_statements(journal: Journal) -> None:
    def statements(alerts: int) -> int:
        run: list[str] = []
        event.listen(journal._engine, "before_cursor_execute", lambda *arguments: run.append(arguments[2]))
        take(journal, *(replace(DOWN, fingerprint=f"{alerts} {number}") for number in range(alerts)))
        return len(run)

    take(journal, DOWN)
    assert statements(100) == statements(1)


def test_an_alert_that_is_received_as_resolved_first_opens_nothing(journal: Journal) -> None:
    with journal.transaction() as connection:
        assert receive(connection, [replace(DOWN, status="resolved", records=())], 1.0) == []
        assert episodes.latest(connection, "restart_agent", "grok") is None


def test_an_escalated_episode_stays_open(journal: Journal) -> None:
    take(journal, DOWN)
    end(journal, ActionState.ESCALATED)
    take(journal, replace(DOWN, starts_at="later"), now=300)
    assert newest(journal).state is ActionState.ESCALATED


def test_two_open_episodes_of_one_agent_cannot_be(journal: Journal) -> None:
    take(journal, DOWN)
    row = {column.name: getattr(newest(journal), column.name) for column in table.columns if column.name != "id"}
    with pytest.raises(JournalUnavailable) as refused, journal.transaction() as connection:
        connection.execute(insert(table).values(**row))
    assert isinstance(refused.value.__cause__, IntegrityError)


def test_what_fails_leaves_nothing_behind(journal: Journal) -> None:
    def fail(connection: Connection) -> None:
        receive(connection, [DOWN], 100)
        connection.exec_driver_sql("SELECT * FROM nowhere")

    with pytest.raises(JournalUnavailable), journal.transaction() as connection:
        fail(connection)
    with journal.transaction() as connection:
        assert view.pending(connection) == (0, None)


def claim(journal: Journal, owner: str, now: float) -> list[Episode]:
    with journal.transaction() as connection:
        return episodes.claim(connection, now, owner=owner, until=now + 15)


def begin(journal: Journal, owner: str, now: float, episode: Episode) -> bool:
    with journal.transaction() as connection:
        fields = {"driver": "supervisor", "lease_owner": owner, "lease_until": now + 15, "due_at": now + 15}
        act = EpisodeChange(episode, ActionState.RUNNING, EpisodeVerdict.ACT, "", fields)
        return bool(begin_attempts(connection, [act], now))


def test_only_one_receiver_begins_an_attempt(journal: Journal) -> None:
    take(journal, DOWN)
    seen_by_both = newest(journal)
    assert [begin(journal, owner, 110, seen_by_both) for owner in ("one", "two")] == [True, False]


def test_what_people_ended_meanwhile_is_not_undone(journal: Journal) -> None:
    take(journal, DOWN)
    end(journal, ActionState.ESCALATED)
    seen = newest(journal)
    with journal.transaction() as connection:
        assert episodes.acknowledge(connection, seen.id, 300) is not None
        assert episodes.decide(connection, seen, ActionState.ESCALATED, "waiting", "", 301) == []
    assert not begin(journal, "one", 302, seen)
    assert newest(journal).state is ActionState.FAILED


def test_a_lease_that_expired_is_taken_over_and_one_that_is_kept_is_not(journal: Journal) -> None:
    take(journal, DOWN)
    begin(journal, "one", 110, newest(journal))
    assert claim(journal, "two", 124) == []
    with journal.transaction() as connection:
        episodes.extend_leases(connection, [1], "one", 140)
        episodes.extend_leases(connection, [1], "two", 999)
    assert claim(journal, "two", 139) == []
    assert [entry.state for entry in claim(journal, "two", 141)] == [ActionState.RUNNING]


def test_what_one_receiver_has_claimed_another_neither_sees_nor_decides(journal: Journal) -> None:
    take(journal, DOWN)
    seen_before = newest(journal)
    (mine,) = claim(journal, "one", 110)
    assert claim(journal, "two", 110) == []
    assert not begin(journal, "two", 110, seen_before)
    assert begin(journal, "one", 110, mine)


def test_who_was_too_slow_to_decide_does_not_any_more(journal: Journal) -> None:
    take(journal, DOWN)
    (slow,) = claim(journal, "one", 110)
    (quick,) = claim(journal, "two", 126)
    assert not begin(journal, "one", 127, slow)
    assert begin(journal, "two", 127, quick)


def test_attempts_are_counted_by_agent(journal: Journal) -> None:
    take(journal, DOWN)
    begin(journal, "one", 110, newest(journal))
    with journal.transaction() as connection:
        assert episodes.attempts_since(connection, "restart_agent", "grok", 100) == [110]
        assert episodes.attempts_since(connection, "restart_agent", "grok", 110) == []
        assert episodes.attempts_since(connection, "restart_agent", "gimai", 0) == []


def test_a_rejected_alert_is_logged_once_and_kept_with_its_reason(journal: Journal) -> None:
    nope = replace(DOWN, alertname="Nope", agent="", rejected="unknown_alert", remedies=(), records=())
    assert [len(take(journal, nope)) for _ in range(3)] == [1, 0, 0]
    with journal.transaction() as connection:
        (shown,) = view.actions(connection, view.ActionFilter(state="rejected"))
    assert (shown["alert"], shown["verdict"]) == ("Nope", "unknown_alert")


def test_records_are_kept_once_for_each_status_and_wait_until_settled(journal: Journal) -> None:
    take(journal, DOWN)
    take(journal, DOWN, replace(DOWN, status="resolved"))
    with journal.transaction() as connection:
        batch = claim_records(connection, "log_to", 200, until=260)
        assert [(entry.status, entry.labels) for entry in batch] == [
            ("firing", {"severity": "critical"}),
            ("resolved", {"severity": "critical"}),
        ]
        assert claim_records(connection, "log_to", 260, until=320) == [], "another receiver writes them"
        assert finish(connection, batch, ActionState.PENDING, "unreachable", None) == []
        assert len(claim_records(connection, "log_to", 200, until=260)) == 2
        assert len(finish(connection, batch, ActionState.SUCCEEDED, "", 200)) == 2
        assert claim_records(connection, "log_to", 999, until=999) == []


def test_the_view_filters_and_returns_all_details(journal: Journal) -> None:
    take(journal, DOWN)
    with journal.transaction() as connection:
        assert view.actions(connection, view.ActionFilter(agent="gimai")) == []
        assert {entry["kind"] for entry in view.actions(connection, view.ActionFilter(agent="grok"))} == {
            "record",
            "episode",
        }
        story = view.read_details(connection, 1)
        assert view.read_details(connection, 2) is None
        assert view.open_counts(connection) == [("grok", "restart_agent", "pending", 1)]
        assert view.pending(connection) == (2, 100)
    assert story is not None
    assert [line["verdict"] for line in story["history"]] == ["received"]
    assert story["evidence"][0]["labels"] == {"severity": "critical"}

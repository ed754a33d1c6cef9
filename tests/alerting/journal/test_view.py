"""The list of actions: the newest of every kind, with every filter, found by index."""

from itertools import product
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert

from alerting.journal import Journal, view
from alerting.journal.tables import alerts, episodes, records

EACH = 60
"""Episodes, records and rejected alerts; several of them change at the same instant."""
AGENTS = ("grok", "gimai", "qwen")
NAMES = ("AgentDown", "HighCPU")


def alert(number: int, rejected: str = "") -> dict[str, Any]:
    row = {
        "id": number,
        "alertname": NAMES[number % 2],
        "fingerprint": str(number),
        "starts_at": "",
        "status": "firing",
    }
    arguments = {"sender": "grafana", "agent": AGENTS[number % 3], "labels": "{}", "annotations": "{}"}
    return {**row, **arguments, "rejected": rejected, "first_at": number // 7, "last_at": number // 5, "times": 1}


def episode(number: int) -> dict[str, Any]:
    row = {"id": number, "action": "restart_agent", "agent": AGENTS[number % 3], "alert": NAMES[number % 2]}
    done = {"state": ("recovered", "rejected")[number % 2], "verdict": "proven", "detail": "", "test": number % 7 == 0}
    times = {"opened_at": number // 7, "updated_at": number // 5, "closed_at": number // 5}
    rest = {"attempts": 1, "driver_errors": 0, "baseline": "", "sign": "", "waited": 0, "driver": "", "server": ""}
    return {**row, **done, **times, **rest}


def record(number: int) -> dict[str, Any]:
    row = {"id": number, "alert_id": number, "action": ("log_to", "analyze")[number // 2 % 2], "target": ""}
    state, closed_at = ("pending", None) if number % 4 == 0 else ("succeeded", number // 4)
    return {**row, "state": state, "detail": "", "opened_at": number // 5, "closed_at": closed_at}


@pytest.fixture
def full(journal: Journal) -> Journal:
    numbers = range(1, EACH + 1)
    with journal.transaction() as connection:
        connection.execute(insert(alerts), [alert(number) for number in numbers])
        connection.execute(insert(alerts), [alert(EACH + number, "unknown_alert") for number in numbers])
        connection.execute(insert(records), [record(number) for number in numbers])
        connection.execute(insert(episodes), [episode(number) for number in numbers])
    return journal


def listed(connection: Connection, **asked: Any) -> list[dict[str, Any]]:
    return view.actions(connection, view.ActionFilter(**asked))


def age(row: dict[str, Any]) -> tuple[float, int, str]:
    return -row["updated_at"], -row["id"], row["kind"]


def test_everything_is_listed_by_when_it_last_changed(full: Journal) -> None:
    with full.reading() as connection:
        everything = listed(connection, limit=3 * EACH)
    assert everything == sorted(everything, key=age)
    found = {(row["kind"], row["id"]): row for row in everything}
    numbers = range(1, EACH + 1)
    assert set(found) == {(kind, entry) for entry in numbers for kind in ("episode", "record")} | {
        ("alert", EACH + entry) for entry in numbers
    }
    when = ("opened_at", "updated_at", "closed_at")
    assert [found["episode", 13][column] for column in when] == [1, 2, 2]
    assert [found["record", 13][column] for column in when] == [2, 3, 3]
    assert [found["record", 12][column] for column in when] == [2, 2, None], "it is still open"
    assert [found["alert", 63][column] for column in when] == [9, 12, 9]


def test_a_filter_gives_what_would_be_picked_from_the_whole_list(full: Journal) -> None:
    with full.reading() as connection:
        everything = listed(connection, limit=3 * EACH)
        for state, agent, action, name, limit in product(
            (None, "pending", "rejected", "recovered", "escalated"),
            (None, "grok", "nobody"),
            (None, "restart_agent", "log_to", "none"),
            (None, "HighCPU"),
            (1, 7, 3 * EACH),
        ):
            asked = {"state": state, "agent": agent, "action": action, "alert": name}
            wanted = {column: value for column, value in asked.items() if value is not None}
            picked = [row for row in everything if wanted.items() <= row.items()]
            assert listed(connection, **asked, limit=limit) == picked[:limit], (asked, limit)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_the_newest_of_each_kind_are_read_from_an_index(journal: Journal) -> None:
    run: list[tuple[str, Any]] = []
    event.listen(journal._engine, "before_cursor_execute", lambda *arguments: run.append((arguments[2], arguments[3])))
    with journal.transaction() as connection:
        listed(connection)
        query, values = run[-1]
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values)]
    tables = [line for line in plan if line.split()[1] in ("episodes", "records", "alerts")]
    assert sorted(tables) == [
        "SCAN alerts USING INDEX ix_alerts_rejected",
        "SCAN episodes USING INDEX ix_episodes_changed",
        "SCAN records USING INDEX ix_records_changed",
        "SEARCH alerts USING INTEGER PRIMARY KEY (rowid=?)",
    ]
    sorts = [line for line in plan if "TEMP B-TREE" in line]
    assert sorts == ["USE TEMP B-TREE FOR ORDER BY"], "nothing is sorted but the newest of each kind"


def test_the_list_is_read_while_another_program_writes(full: Journal, url: str) -> None:
    other = Journal.open(url)
    with full.alone() as writing:
        writing.execute(insert(alerts), [alert(999, "unknown_alert")])
        with other.reading() as connection:
            assert len(listed(connection, limit=1000)) == 3 * EACH, "what is not committed does not count"
    with other.reading() as connection:
        assert len(listed(connection, limit=1000)) == 3 * EACH + 1
    other.close()

"""Records from store and archive: the same as a plain scan finds, with few requests.

Covers: nervesys.logs.query, nervesys.logs.running_query, nervesys.logs.segments.
"""

import gzip
import os
from datetime import date
from pathlib import Path
from typing import Any

import pyrage
import pytest
from pydantic import SecretStr

from nervesys.contract import Category, Level
from nervesys.contract.times import DAY_SECONDS
from nervesys.logs.budget import ReadBudget
from nervesys.logs.query import LogQuery, from_level
from nervesys.logs.text_search import TextSearch
from nervesys.stores.encryption import encrypt, set_identity
from tests.nervesys.logs.fleet_logs import NOW, STORAGE, FleetLogs, busy_day, ids, record

TODAY = NOW - NOW % DAY_SECONDS
GROK = frozenset({"grok"})


def query(since: float, until: float = NOW, **more: Any) -> LogQuery:
    return LogQuery(since, until, **{"agents": GROK, **more})


@pytest.fixture
def fleet(logs: FleetLogs) -> FleetLogs:
    """Two servers; today and yesterday in the store, ten days ago in the archive."""
    for day in (TODAY - DAY_SECONDS, TODAY):
        for agent, server in (("grok", "srv-1"), ("deepseek", "srv-1"), ("grok", "srv-2")):
            list(busy_day(logs, server, agent, day, 7200))
    old = TODAY - 10 * DAY_SECONDS
    for category in ("activity", "errors"):
        logs.file(
            "srv-1",
            old,
            category,
            (
                record(old + 600 * n + len(category), n, agent, category=category, id=f"old-{category}-{agent}-{n}")
                for n in range(100)
                for agent in ("grok", "deepseek")
            ),
        )
    return logs


RANGES = [
    pytest.param(NOW - 3600, NOW, id="the last hour"),
    pytest.param(TODAY - 5000, TODAY + 5000, id="over midnight"),
    pytest.param(TODAY - 10 * DAY_SECONDS + 5000, NOW - 4000, id="from the archive on"),
    pytest.param(TODAY - 30 * DAY_SECONDS, TODAY - 5 * DAY_SECONDS, id="the archive alone"),
    pytest.param(NOW + 60, NOW + 90, id="the future"),
]


@pytest.mark.parametrize(("since", "until"), RANGES)
def test_every_reader_finds_what_a_plain_scan_finds(fleet: FleetLogs, since: float, until: float) -> None:
    asked = query(since, until)
    expected, reader = fleet.scan(asked), fleet.reader
    in_order, newest = (
        list(reader.in_order(asked, ReadBudget())),
        list(reader.in_order(asked, ReadBudget(), newest_first=True)),
    )
    assert sorted(ids(in_order)) == sorted(expected)
    assert [entry.at for entry in in_order] == sorted(entry.at for entry in in_order)
    assert [entry.at for entry in newest] == [entry.at for entry in reversed(in_order)]
    assert sorted(ids(reader.scan(asked, ReadBudget()))) == sorted(expected)
    for first in (reader.first(asked, 7, ReadBudget()), reader.first(asked, 7, ReadBudget(), newest_first=False)):
        assert len(first) == min(7, len(expected))
    assert [entry.at for entry in reader.first(asked, 7, ReadBudget())] == [entry.at for entry in newest[:7]]
    oldest = reader.first(asked, 7, ReadBudget(), newest_first=False)
    assert [entry.at for entry in oldest] == [entry.at for entry in in_order[:7]]


@pytest.mark.parametrize(
    "conditions",
    [
        {"agents": frozenset()},
        {"servers": frozenset({"srv-2"})},
        {"categories": frozenset({Category.ERRORS})},
        {"levels": from_level(Level.WARN)},
        {"agents": frozenset({"nobody"})},
    ],
)
def test_conditions_are_those_of_a_plain_scan(fleet: FleetLogs, conditions: dict[str, Any]) -> None:
    asked = query(TODAY - 12 * DAY_SECONDS, **conditions)
    assert sorted(ids(fleet.reader.scan(asked, ReadBudget()))) == sorted(fleet.scan(asked))


def test_an_hour_costs_one_list_for_the_servers_one_a_server_day_and_the_objects_of_the_agent(logs: FleetLogs) -> None:
    for server in ("srv-1", "srv-2", "srv-3"):
        for day in range(4):
            for agent in ("grok", "deepseek"):
                list(busy_day(logs, server, agent, TODAY - day * DAY_SECONDS, 3600))
    logs.store.listed.clear()
    list(logs.reader.in_order(query(NOW - 4200, NOW - 600), ReadBudget()))
    assert sorted(logs.store.listed) == [
        "db/active_logs/",
        *(f"db/active_logs/srv-{n}/2026-03-20/" for n in (1, 2, 3)),
    ]
    assert {key.split("/")[-1].split("_")[1] for key in logs.store.fetched} == {"grok"}
    assert len(logs.store.fetched) == 3 * 2, "that sealed within the hour, and the next"


def test_of_a_long_range_only_days_that_have_objects_are_listed(logs: FleetLogs) -> None:
    list(busy_day(logs, "srv-1", "grok", TODAY - 2 * DAY_SECONDS, 7200))
    list(logs.reader.scan(query(NOW - 300 * DAY_SECONDS), ReadBudget()))
    assert len(logs.store.listed) == 3, "the servers, the days of one, and the only day"


def test_the_newest_lines_are_found_without_reading_what_is_older(fleet: FleetLogs) -> None:
    fleet.store.listed.clear()
    fleet.store.fetched.clear()
    assert len(fleet.reader.first(query(0, servers=frozenset({"srv-1"})), 5, ReadBudget())) == 5
    assert not any("2026-03-19" in key for key in fleet.store.fetched)


def test_a_batch_that_was_shipped_after_the_range_is_read(logs: FleetLogs) -> None:
    logs.ship("srv-1", "grok", NOW - 1800, [record(NOW - 3000, 1), record(NOW - 2400, 2)])
    logs.ship("srv-1", "grok", NOW - 1200, [record(NOW - 1700, 3)], seq=2)
    logs.ship("srv-1", "grok", NOW - 600, [record(NOW - 900, 4)], seq=3)
    asked = query(NOW - 3100, NOW - 2900)
    assert ids(logs.reader.in_order(asked, ReadBudget())) == ["grok-1"]
    assert ids(logs.reader.first(asked, 5, ReadBudget())) == ["grok-1"]
    assert ids(logs.reader.scan(asked, ReadBudget())) == ["grok-1"]


def test_a_line_in_both_store_and_archive_is_shown_once_and_equal_lines_stay_two(logs: FleetLogs) -> None:
    day = TODAY - 8 * DAY_SECONDS
    equal, only = record(day + 5, 1), record(day + 9, 2)
    logs.ship("srv-1", "grok", day + 60, [equal, equal, only])
    logs.file("srv-1", day, "activity", [equal, equal])
    asked = query(day, day + DAY_SECONDS)
    for found in (
        logs.reader.in_order(asked, ReadBudget()),
        logs.reader.scan(asked, ReadBudget()),
        logs.reader.first(asked, 9, ReadBudget(), newest_first=False),
    ):
        assert sorted(ids(found)) == ["grok-1", "grok-1", "grok-2"]


def test_a_bad_object_costs_only_itself_and_is_named(logs: FleetLogs) -> None:
    logs.ship("srv-1", "grok", NOW - 60, [record(NOW - 90, 1)])
    logs.store.put("db/active_logs/srv-1/2026-03-20/115800_grok_2.jsonl.gz", b"no gzip")
    logs.store.put("db/active_logs/srv-1/2026-03-20/no-key", b"")
    budget = ReadBudget()
    assert ids(logs.reader.in_order(query(NOW - 3600), budget)) == ["grok-1"]
    assert budget.unread == 1
    assert "115800_grok_2.jsonl.gz" in budget.warnings[0]


def test_encrypted_objects_are_read_with_the_identity_and_named_without(logs: FleetLogs) -> None:
    identity = pyrage.x25519.Identity.generate()
    key = logs.ship("srv-1", "grok", NOW - 60, [record(NOW - 90, 1)])
    body = logs.store.get(key, max_bytes=1 << 20)
    logs.store.delete(key)
    logs.store.put(f"{key}.age", encrypt(body, [str(identity.to_public())]))
    budget = ReadBudget()
    assert ids(logs.reader.in_order(query(NOW - 3600), budget)) == []
    assert "NERVESYS_AGE_IDENTITY" in budget.warnings[0]
    set_identity(SecretStr(str(identity)))
    try:
        assert ids(logs.reader.in_order(query(NOW - 3600), ReadBudget())) == ["grok-1"]
    finally:
        set_identity(None)


@pytest.mark.parametrize(
    ("budget", "words"),
    [(ReadBudget(max_bytes=500), "500 bytes"), (ReadBudget(max_seconds=0), "stopped after 0 s")],
)
def test_a_query_stops_at_its_limits_and_names_them(fleet: FleetLogs, budget: ReadBudget, words: str) -> None:
    asked = query(TODAY - 12 * DAY_SECONDS)
    assert len(list(fleet.reader.scan(asked, budget))) < len(fleet.scan(asked))
    assert words in budget.warnings[0]


def test_text_is_searched_in_message_action_and_the_record(logs: FleetLogs) -> None:
    records = [record(NOW - 90 + n, n, message=text) for n, text in enumerate(["time-out", "Refused", 'a "quote"'])]
    logs.ship("srv-1", "grok", NOW - 60, [*records, record(NOW - 70, 9, context={"file": "deep.py"})])

    def found(pattern: str, *, ignore_case: bool = False) -> list[str]:
        asked = query(NOW - 3600, search=TextSearch(pattern, ignore_case=ignore_case))
        return ids(logs.reader.in_order(asked, ReadBudget()))

    assert found("time.out|refused") == ["grok-0"]
    assert found("refused", ignore_case=True) == ["grok-1"]
    assert found('a "quote"') == ["grok-2"]
    assert found(r"deep\.py") == ["grok-9"]


@pytest.mark.parametrize(
    ("template", "key"),
    [
        (
            "logs/{category}/{server}/{date}/{time}_{agent}.jsonl.gz",
            "logs/errors/SRV-1/2026-03-20/115900_grok.jsonl.gz",
        ),
        ("logs/{agent}/{date}.jsonl", "logs/grok/2026-03-20.jsonl"),
        ("logs/{object}", "logs/anything.jsonl"),
        ("logs/{year}/{month}/{server}_{date}_{seq}.jsonl.gz", "logs/2026/03/srv-1_2026-03-20_1.jsonl.gz"),
    ],
)
def test_other_layouts_are_read_too(tmp_path: Path, template: str, key: str) -> None:
    paths = STORAGE.storj.paths.model_copy(update={"active_logs": template})
    storage = STORAGE.model_copy(update={"storj": STORAGE.storj.model_copy(update={"paths": paths})})
    logs = FleetLogs(tmp_path, storage)
    written = logs.ship("srv-1", "grok", NOW - 60, [record(NOW - 90, 1, category="errors"), record(NOW - 80, 2, "kim")])
    packed = logs.store.get(written, max_bytes=1 << 20)
    logs.store.put(key, packed if key.endswith(".gz") else gzip.decompress(packed))
    os.utime(tmp_path / "store" / key, (NOW - 60, NOW - 60))
    assert "grok-1" in ids(logs.reader.in_order(query(NOW - 3600), ReadBudget()))


def test_days_end_with_that_in_which_the_last_batches_are_shipped() -> None:
    assert list(query(TODAY - 60, TODAY - 30).days(NOW)) == [date(2026, 3, 19), date(2026, 3, 20)]
    assert list(query(TODAY + 60, NOW).days(NOW)) == [date(2026, 3, 20)]

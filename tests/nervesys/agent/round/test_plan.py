"""What is due, by the same rules as in the exporters."""

from datetime import date

import pytest

from nervesys.agent.round import RoundPlan, make_plan
from nervesys.settings import load
from nervesys.stores.archive import ArchiveFile
from nervesys.stores.objects import ObjectInfo

STORAGE = load().settings.storage
TODAY = date(2026, 1, 20)
LOG = "db/active_logs/{server}/{date}/120000_grok_00000001.jsonl.gz"


def plan(*keys: str, at_most: int = 100, archive: tuple[str, ...] = ()) -> RoundPlan:
    storage = STORAGE.model_copy(update={"round": STORAGE.round.model_copy(update={"delete_at_most": at_most})})
    areas = {
        "active_logs": "db/active_logs/",
        "active_traces": "db/traces/",
        "metrics": "db/metrics/",
        "config_backups": "config_backups/",
    }
    store = {area: [ObjectInfo(key, "", 1, 0) for key in keys if key.startswith(at)] for area, at in areas.items()}
    return make_plan(storage, store, [ArchiveFile(path, 1, 0) for path in archive], TODAY)


@pytest.mark.parametrize(
    ("day", "due"),
    [
        pytest.param("2026-01-20", False, id="today"),
        pytest.param("2026-01-13", False, id="kept for seven days"),
        pytest.param("2026-01-12", True, id="kept for longer"),
        pytest.param("2026-02-01", False, id="yet to come"),
    ],
)
def test_a_day_of_logs_is_due_once_the_store_has_kept_it(day: str, due: bool) -> None:
    assert bool(plan(LOG.format(server="host-1", date=day)).days) is due


@pytest.mark.parametrize(("day", "due"), [("2026-01-13", []), ("2026-01-12", ["host-1 2026-01-12 (traces)"])])
def test_traces_are_due_as_logs_are(day: str, due: list[str]) -> None:
    assert [str(item) for item in plan(f"db/traces/host-1/{day}/120000_grok_1.jsonl.gz").days] == due


def test_logs_are_taken_by_server_and_day_oldest_first() -> None:
    keys = [LOG.format(server=server, date=day) for server in ("b", "A", "a") for day in ("2026-01-02", "2026-01-01")]
    assert [(str(day), len(day.objects)) for day in plan(*keys).days] == [
        ("a 2026-01-01", 2),
        ("b 2026-01-01", 1),
        ("a 2026-01-02", 2),
        ("b 2026-01-02", 1),
    ]


@pytest.mark.parametrize("key", ["db/active_logs/stray.txt", LOG.format(server="host-1", date="2026-02-30")])
def test_logs_without_a_server_or_day_in_the_key_stay(key: str) -> None:
    assert plan(key) == RoundPlan(unfiled=(key,))


@pytest.mark.parametrize(
    ("key", "due"),
    [
        pytest.param("db/metrics/host-1/2026-01-12/10/0000_grok.json", True, id="metrics, 8 days"),
        pytest.param("db/metrics/host-1/2026-01-13/10/0000_grok.json", False, id="metrics, 7 days"),
        pytest.param("db/metrics/notes.txt", False, id="not of the template"),
        pytest.param("config_backups/daily/2025-12-20.tar.gz", True, id="backup, 31 days"),
        pytest.param("config_backups/daily/2025-12-21.tar.gz", False, id="backup, 30 days"),
    ],
)
def test_the_store_is_freed_by_the_table(key: str, due: bool) -> None:
    assert [gone for keys in plan(key).expired.values() for gone in keys] == ([key] if due else [])


@pytest.mark.parametrize(
    ("path", "due"),
    [
        pytest.param("Archive/logs/2025/12/host-1_2025-12-20_activity.json.gz", True, id="activity, 31 days"),
        pytest.param("Archive/logs/2025/12/host-1_2025-12-20_audit.json.gz", False, id="audit, 31 days"),
        pytest.param("Archive/logs/2025/12/host-1_2025-12-20.json.gz", False, id="all in one: as the longest kept"),
        pytest.param("Archive/traces/2025/12/host-1_2025-12-20.jsonl.gz", True, id="traces, 31 days"),
        pytest.param("Archive/traces/2025/12/host-1_2025-12-21.jsonl.gz", False, id="traces, 30 days"),
        pytest.param("Backups/full_backup_2025-12-20.tar.gz", True, id="full backup, 31 days"),
        pytest.param("Backups/full_backup_2025-12-21.tar.gz", False, id="full backup, 30 days"),
        pytest.param("Backups/mine.zip", False, id="a name that breaks the contract"),
        pytest.param("Reports/Daily/2020-01-01_summary.pdf", False, id="reports are for ever"),
        pytest.param("holiday.jpg", False, id="somebody's"),
    ],
)
def test_the_archive_is_freed_by_the_table(path: str, due: bool) -> None:
    assert plan(archive=(path,)).overdue == ((path,) if due else ())


def test_a_round_has_a_limit_of_deletions_and_reports_the_rest() -> None:
    keys = [f"config_backups/daily/2025-11-0{day}.tar.gz" for day in range(1, 5)]
    backups = tuple(f"Backups/full_backup_2025-11-0{day}.tar.gz" for day in range(1, 5))
    small = plan(*keys, archive=backups, at_most=5)
    assert (small.expired, small.overdue, small.left) == ({"config_backups": tuple(keys)}, backups[:1], 3)
    smaller = plan(*keys, archive=backups, at_most=3)
    assert (smaller.expired, smaller.overdue, smaller.left) == ({"config_backups": tuple(keys[:3])}, (), 5)

"""Source `archive`: a tree of files in, the exposition out; then what it remembers.

Covers: exporters.archive, exporters.archive.area, exporters.archive.catalogue.
"""

import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from exporters import archive as source
from exporters.archive.area import FAMILIES, missing_days
from exporters.runner import Cache, Runner, Source
from nervesys.clock import system_clock
from nervesys.contract import Category
from nervesys.errors import BadObject
from nervesys.settings import load
from nervesys.stores.archive import Archive
from nervesys.stores.archive_layout import ArchiveLayout, keep_days
from nervesys.stores.folder import FolderArchive
from tests.drive_mock import archive_in, running
from tests.exporters.kit import HandClock, context

CASES = Path(__file__).parent / "cases"
NOW = datetime(2026, 3, 15, 12, tzinfo=UTC).timestamp()
STORAGE = load().settings.storage


def runner_of(archive: Archive, cache: Cache | None = None, now: float = NOW) -> Runner:
    ctx = context(HandClock(now), cache, source="archive")
    return Runner(Source("archive", "Test.", FAMILIES, lambda it: source.areas_of(archive, it)), ctx)


def value(runner: Runner, series: str) -> str | None:
    text = runner.snapshot().plain.decode()
    return next((line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(f"nervesys_{series} ")), None)


def fill(root: Path, listing: str) -> FolderArchive:
    """Files from lines of `size instant path`."""
    root.mkdir()
    for line in listing.splitlines():
        size, at, path = line.split(" ", 2)
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * int(size))
        os.utime(file, (0, datetime.fromisoformat(at).timestamp()))
    return FolderArchive(root)


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
def test_exposition(case: Path, tmp_path: Path, golden_exposition: Callable[[Path, Runner], None]) -> None:
    runner = runner_of(fill(tmp_path / "archive", (case / "in.txt").read_text()))
    assert runner.run_once("archive")
    golden_exposition(case / "out.prom", runner)


@pytest.mark.parametrize(
    ("path", "area", "server", "day", "keep"),
    [
        ("Archive/logs/2026/01/s-1_2026-01-02_errors.json.gz", "logs", "s-1", date(2026, 1, 2), 180),
        ("Archive/logs/2026/01/S-1_2026-01-02.json.gz", "logs", "s-1", date(2026, 1, 2), 365),
        ("Reports/Daily/2026-01-02_summary.pdf", "reports_daily", None, date(2026, 1, 2), None),
        ("Reports/Weekly/2026/week_01.pdf", "reports_weekly", None, None, None),
        ("Reports/Weekly/week_11.pdf", "reports_weekly", None, None, None),
        ("Reports/Weekly/week_11.xlsx", "reports_weekly", None, None, None),
        ("Backups/full_backup_2026-01-02.tar.gz", "backups", None, date(2026, 1, 2), 30),
        ("Documentation/deep/down/plan.md", "documents", None, None, None),
        ("notes.txt", "other", None, None, None),
    ],
)
def test_a_path_says_what_a_file_is(
    path: str, area: str, server: str | None, day: date | None, keep: int | None
) -> None:
    filed = ArchiveLayout(STORAGE).classify(path)
    assert (filed.area, filed.server, filed.day, filed.keep_days) == (area, server, day, keep)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        pytest.param("Archive/logs/2026/01/readme.txt", "bad_key", id="a stranger among the logs"),
        pytest.param("Backups/old/full_backup_2026-01-02.tar.gz", "bad_key", id="a folder too deep"),
        pytest.param("Backups/full_backup_2026-02-30.tar.gz", "bad_value", id="no such day"),
        pytest.param("Archive/logs/2026/01/s\n1_2026-01-02_errors.json.gz", "bad_name", id="a newline in a name"),
    ],
)
def test_a_path_that_breaks_the_contract_is_refused(path: str, reason: str) -> None:
    with pytest.raises(BadObject, match=reason):
        ArchiveLayout(STORAGE).classify(path)


def test_logs_of_all_categories_are_kept_as_long_as_the_longest() -> None:
    assert keep_days(STORAGE.retention, "logs") == 365
    for_ever = STORAGE.retention.model_copy(update={"logs": {Category.AUDIT: None, Category.SYSTEM: 90}})
    assert keep_days(for_ever, "logs") is None


TODAY = date(2026, 3, 15)
LAST_DUE = date(2026, 3, 6)


def days_before(*ages: int) -> set[date]:
    return {LAST_DUE - timedelta(days=age) for age in ages}


@pytest.mark.parametrize(
    ("have", "missing"),
    [
        pytest.param(days_before(0, 1, 2), 0, id="complete since it began"),
        pytest.param(days_before(0, 3), 2, id="a gap"),
        pytest.param(days_before(2), 2, id="late"),
        pytest.param(days_before(-1, 0), 0, id="ahead of what is due"),
        pytest.param(days_before(-3), None, id="nothing due yet"),
        pytest.param(days_before(0, 200), 29, id="counted over the last 30 days due only"),
        pytest.param(days_before(40), None, id="gone for a month"),
    ],
)
def test_a_day_is_missing_once_it_is_due(have: set[date], missing: int | None) -> None:
    assert missing_days({"s": have}, TODAY, 7).get("s") == missing


def test_where_the_store_keeps_logs_for_ever_none_is_due() -> None:
    assert missing_days({"s": days_before(9)}, TODAY, None) == {}


def test_a_folder_that_went_away_keeps_the_last_snapshot(tmp_path: Path) -> None:
    root = tmp_path / "archive"
    runner = runner_of(fill(root, "5 2026-03-14T00:00:00Z Documentation/plan.md\n"))
    runner.run_once("archive")
    root.rename(tmp_path / "away")
    assert not runner.run_once("archive")
    assert value(runner, 'archive_bytes{area="documents"}') == "5"
    assert value(runner, 'exporter_up{area="archive",source="archive"}') == "0.0"


def test_drive_is_listed_once_and_then_asked_for_changes_across_restarts() -> None:
    def request_count(runner: Runner, operation: str) -> str | None:
        return value(runner, f'exporter_requests_total{{operation="{operation}",outcome="ok",source="archive"}}')

    with running() as url:
        archive, cache = archive_in(url), Cache()
        archive.put("Documentation/one", b"one")
        first = runner_of(archive, cache, system_clock())
        assert first.run_once("archive")
        archive.put("Documentation/two", b"two")
        assert first.run_once("archive")
        assert value(first, 'archive_files{area="documents"}') == "2"
        assert (request_count(first, "list"), request_count(first, "changes")) == ("2.0", "1.0")

        archive.delete("Documentation/one")
        again = runner_of(archive, cache, system_clock())
        assert again.run_once("archive")
        assert value(again, 'archive_bytes{area="documents"}') == "3"
        assert (request_count(again, "list"), request_count(again, "changes")) == ("0.0", "1.0")

        other = runner_of(archive_in(url), cache, system_clock())
        assert other.run_once("archive")
        assert value(other, 'archive_files{area="documents"}') == "0", "what another folder held is forgotten"

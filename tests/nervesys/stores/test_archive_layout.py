"""Areas and retention of paths in the archive."""

from datetime import date

import pytest

from nervesys.errors import BadObject
from nervesys.settings import load
from nervesys.stores.archive import ArchiveFile
from nervesys.stores.archive_layout import ArchiveLayout, ArchivePath, is_overdue

STORAGE = load().settings.storage
LAYOUT = ArchiveLayout(STORAGE)


def path_of(area: str, **fields: str) -> str:
    return str(getattr(STORAGE.archive.paths, area)).format(**fields)


def test_a_log_has_its_server_day_and_category() -> None:
    path = path_of("logs", year="2026", month="01", server="host-1", date="2026-01-31", category="audit")
    found = LAYOUT.classify(path)
    assert (found.area, found.server, found.day, found.category) == ("logs", "host-1", date(2026, 1, 31), "audit")


def test_a_path_outside_all_areas_is_other() -> None:
    assert LAYOUT.classify("elsewhere/file.txt") == ArchivePath("other")


def test_a_wrong_name_in_an_area_is_rejected() -> None:
    with pytest.raises(BadObject, match="bad_key"):
        LAYOUT.classify(path_of("backups", date="2026-01-31") + ".part")


@pytest.mark.parametrize(("keep_days", "overdue"), [(30, True), (31, False), (None, False)])
def test_a_file_is_overdue_after_its_retention(keep_days: int | None, overdue: bool) -> None:
    file = ArchiveFile("full_backup_2026-01-01.tar.gz", 1, 0)
    filed = ArchivePath("backups", day=date(2026, 1, 1), keep_days=keep_days)
    assert is_overdue(file, filed, date(2026, 2, 1)) is overdue

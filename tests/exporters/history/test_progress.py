"""Progress of a backfill is never lost to another release's schema: its file is refused, and stays as it is."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from exporters.history.progress import BackfillProgress
from nervesys.errors import NervesysError


def test_a_file_of_another_release_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "made.sqlite3"
    BackfillProgress(file).close()
    BackfillProgress(file).close()
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA user_version = 9")
    before = file.read_bytes()
    with pytest.raises(NervesysError, match="its schema version is 9, not 1; use the release that wrote it"):
        BackfillProgress(file)
    assert file.read_bytes() == before

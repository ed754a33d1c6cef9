"""Files of OpenMetrics for a promtool elsewhere."""

import gzip
import os
from contextlib import closing
from pathlib import Path

import pytest

from exporters.history.plan import HistoryUnit, ReadJob
from exporters.history.reading import ReadResult
from exporters.history.text_files import TextFiles
from nervesys.errors import NervesysError
from tests.exporters.history.test_text import DAY


def read(name: str, text: bytes = b"", refused: str = "") -> ReadResult:
    return ReadResult(ReadJob(HistoryUnit(name, DAY, name, "1", 0, "host-1")), text, refused=refused)


def test_a_batch_is_a_file_and_is_remembered(tmp_path: Path) -> None:
    with closing(TextFiles(tmp_path / "new")) as target:
        target.take([read("a", b"x 1 1\n"), read("b", refused="damaged"), read("c", b"y 2 2\n")])
        target.take([read("d")])
        assert target.progress.made().keys() == {"a", "c", "d"}
        assert target.dropped_samples() == 0
    (file,) = (tmp_path / "new").glob("*.om.gz")
    assert gzip.decompress(file.read_bytes()) == b"x 1 1\ny 2 2\n# EOF\n"
    assert file.stat().st_mode & 0o777 == 0o644
    assert not list((tmp_path / "new").glob("*.partial"))


def test_files_that_a_killed_run_left_are_removed(tmp_path: Path) -> None:
    old, new, other = (tmp_path / name for name in ("samples-a.partial", "samples-b.partial", "mine.partial"))
    for file in (old, new, other):
        file.write_bytes(b"x")
    for file in (old, other):
        os.utime(file, (1, 1))
    TextFiles(tmp_path).close()
    assert (old.exists(), new.exists(), other.exists()) == (False, True, True)


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NervesysError, match="write to"):
        TextFiles(tmp_path / "file")

"""Keys are made once, and nobody else may read them."""

import errno
import os
from pathlib import Path

import pytest

from nervesys.errors import NervesysError
from nervesys.stack import keys


def test_keys_are_made_once_and_are_ours_alone(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    keys.make(folder)
    first = {file.name: file.read_text() for file in folder.iterdir()}
    assert set(first) == set(keys.NAMES)
    assert len(set(first.values())) == len(first)
    assert [path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())] == [0o700] + 4 * [0o600]
    (folder / "receiver_token").unlink()
    keys.make(folder)
    again = {file.name: file.read_text() for file in folder.iterdir()}
    assert {name for name in first if first[name] != again[name]} == {"receiver_token"}


def test_a_file_that_exists_is_kept_and_a_full_disk_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert keys.create(tmp_path / "key", "first")
    assert not keys.create(tmp_path / "key", "second")
    assert (tmp_path / "key").read_text() == "first"

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fchmod", full)
    with pytest.raises(NervesysError, match=f"write {tmp_path}/other: No space left on device"):
        keys.create(tmp_path / "other", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["key"]

"""Dates of rotation: the content of the file is never quoted, for it might be a secret."""

from datetime import date
from pathlib import Path

import pytest

from nervesys.errors import SettingsError
from nervesys.settings import FolderTree
from nervesys.settings.secrets import FILE, read_secrets


def tree(folder: Path, text: str) -> FolderTree:
    (folder / "config").mkdir()
    (folder / FILE).write_text(text)
    return FolderTree(folder)


def test_dates_are_read_by_name(tmp_path: Path) -> None:
    secrets = read_secrets(tree(tmp_path, "secrets: {GITHUB_TOKEN: 2026-01-31}"))
    assert secrets is not None
    assert secrets.secrets == {"GITHUB_TOKEN": date(2026, 1, 31)}


def test_no_file_is_no_error(tmp_path: Path) -> None:
    assert read_secrets(FolderTree(tmp_path)) is None


@pytest.mark.parametrize("text", ["secrets: {token: hunter2}", "secrets: {hunter2 hunter2: 2026-01-31}"])
def test_a_secret_in_the_file_is_not_quoted(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError) as error:
        read_secrets(tree(tmp_path, text))
    assert "hunter2" not in str(error.value)

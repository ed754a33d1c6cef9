"""Files named `.env`."""

from pathlib import Path

import pytest

from nervesys.errors import SettingsError
from nervesys.settings.env_files import load_env_files, read_env_files


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home below the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def test_the_environment_wins_over_the_working_folder_over_the_home(home: Path) -> None:
    (home / ".env").write_text("STORJ_BUCKET=home\nSTORJ_REGION=home\nSTORJ_ENDPOINT=https://home\n")
    Path(".env").write_text("export STORJ_BUCKET='folder'\nSTORJ_REGION=folder # a comment\n")
    environ = {"STORJ_BUCKET": "environment", "NERVESYS_HOME": str(home)}
    load_env_files(environ)
    assert environ == {
        "STORJ_BUCKET": "environment",
        "NERVESYS_HOME": str(home),
        "STORJ_REGION": "folder",
        "STORJ_ENDPOINT": "https://home",
    }


def test_the_home_may_be_named_by_the_file_in_the_working_folder_or_by_a_flag(home: Path) -> None:
    (home / ".env").write_text("STORJ_BUCKET=home\n")
    assert read_env_files({}, "home") == {"STORJ_BUCKET": "home"}
    assert read_env_files({}) == {}
    Path(".env").write_text("NERVESYS_HOME=home\n")
    assert read_env_files({}) == {"STORJ_BUCKET": "home", "NERVESYS_HOME": "home"}


def test_only_known_names_are_taken_and_values_are_not_expanded(home: Path) -> None:
    Path(".env").write_text("PATH=/evil\nLD_PRELOAD=x\nSTORJ_SECRET_KEY=a${PATH}b\nSTORJ_ACCESS_KEY_FILE=/key\nEMPTY\n")
    assert read_env_files({}) == {"STORJ_SECRET_KEY": "a${PATH}b", "STORJ_ACCESS_KEY_FILE": "/key"}


def test_a_value_gives_way_to_the_file_of_that_value_in_the_environment(home: Path) -> None:
    Path(".env").write_text("STORJ_SECRET_KEY=old\nSTORJ_ACCESS_KEY_FILE=/old\n")
    assert read_env_files({"STORJ_SECRET_KEY_FILE": "/new", "STORJ_ACCESS_KEY": "new"}) == {}


def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_a_value(home: Path) -> None:
    Path(".env").write_bytes(b"\xef\xbb\xbfSTORJ_BUCKET=b\r\nSTORJ_REGION=r\r\n")
    assert read_env_files({}) == {"STORJ_BUCKET": "b", "STORJ_REGION": "r"}


def test_a_file_that_cannot_be_read_is_named(home: Path) -> None:
    Path(".env").write_bytes(b"STORJ_BUCKET=\xff\xfe\n")
    with pytest.raises(SettingsError, match=r"\.env: read it: not UTF-8 text"):
        read_env_files({})

"""Files that hold a secret, as people write them."""

import logging
from pathlib import Path

import pytest

from nervesys.settings.secret_file import MAX_CHARACTERS, read_secret_text
from nervesys.settings.variables import value_of


@pytest.mark.parametrize(
    ("content", "warning"),
    [
        pytest.param(b"p\xc3\xa4ssword", "", id="as it should be"),
        pytest.param(b"p\xc3\xa4ssword\n", "", id="by echo, or an editor"),
        pytest.param(b"p\xc3\xa4ssword\r\n", "a line break", id="from Windows"),
        pytest.param(b"\xef\xbb\xbfp\xc3\xa4ssword\r\n", "a byte order mark", id="by an editor of Windows"),
    ],
)
def test_what_is_no_part_of_the_secret_is_stripped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes, warning: str
) -> None:
    (tmp_path / "secret").write_bytes(content)
    for _ in range(2):
        assert read_secret_text(tmp_path / "secret") == "pässword"
    assert len(caplog.records) == bool(warning), "files are read again; it is logged once"
    assert warning in caplog.text
    assert "pässword" not in caplog.text
    assert all(record.levelno == logging.WARNING for record in caplog.records)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * (MAX_CHARACTERS + 1)], ids=["no UTF-8", "too long"])
def test_what_is_no_secret_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(ValueError, match=r"too long|utf-8"):
        read_secret_text(tmp_path / "secret")


def test_variables_read_their_files_so(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"\xef\xbb\xbfhunter2\n")
    found = value_of("GITHUB_TOKEN", {"GITHUB_TOKEN_FILE": str(tmp_path / "secret")}, [])
    assert found == ("GITHUB_TOKEN_FILE", "hunter2")

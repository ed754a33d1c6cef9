"""The tokens of the artifact service: what is one, and what a bad file costs."""

from pathlib import Path

import pytest

from nervesys.artifacts.tokens import ADMIN, Caller, Tokens
from nervesys.errors import NervesysError

TOKEN = "ein-schlüssel-mit-umlaut"


def test_a_token_matches_however_it_is_encoded(tmp_path: Path) -> None:
    (tmp_path / "grok").write_bytes(b"\xef\xbb\xbf" + TOKEN.encode() + b"\r\n")
    tokens = Tokens(tmp_path, lambda: 0)
    assert tokens.caller(TOKEN.encode()) == tokens.caller(TOKEN.encode("latin-1")) == Caller("grok")
    for wrong in (b"", b"x", TOKEN.encode() + b"x", TOKEN.replace("ü", "?").encode(), b"\xff\xfe"):
        assert tokens.caller(wrong) is None


def test_a_file_that_holds_no_token_costs_its_owner_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "grok").write_text(TOKEN)
    (tmp_path / ADMIN).write_text("x" * 15)
    (tmp_path / "gimai").write_bytes(b"\xff" * 20)
    (tmp_path / "qwen").mkdir()
    (tmp_path / "No Agent").write_text(TOKEN[::-1])
    tokens = Tokens(tmp_path, lambda: 0)
    assert tokens.caller(TOKEN.encode()) == Caller("grok")
    assert tokens.caller(b"x" * 15) is tokens.caller(b"\xff" * 20) is tokens.caller(TOKEN[::-1].encode()) is None
    assert "fewer than 16 characters" in caplog.text
    assert f"{tmp_path / 'gimai'}: not a short text" in caplog.text


def test_a_folder_that_cannot_be_read_is_an_error_at_the_start_only(tmp_path: Path) -> None:
    with pytest.raises(NervesysError, match="No such file"):
        Tokens(tmp_path / "none", lambda: 0)
    folder, now = tmp_path / "tokens", [0.0]
    folder.mkdir()
    (folder / "grok").write_text(TOKEN)
    tokens = Tokens(folder, lambda: now[0])
    folder.rename(tmp_path / "elsewhere")
    now[0] = 100
    assert tokens.caller(TOKEN.encode()) == Caller("grok")

"""The receiver's own file: what it takes, and that every mistake is reported at once, with its line."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from alerting.drivers.supervisor import SupervisorDriver
from alerting.receiver.local import check_peers, open_local
from nervesys.errors import SettingsError
from nervesys.settings import StartupSettings


@pytest.fixture
def place(tmp_path: Path) -> StartupSettings:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/receiver_token").write_text("a-token-of-this-test\n")
    return StartupSettings(tmp_path)


def write(place: StartupSettings, text: str) -> None:
    (place.home / "receiver.yaml").write_text(text)


def test_a_short_file_is_enough(place: StartupSettings) -> None:
    write(place, 'drivers:\n  supervisor:\n    url: unix:///run/supervisor.sock\n    servers: ["*"]\n')
    local = open_local(place)
    assert local.token is not None
    assert local.journal is not None
    assert isinstance(local.drivers.supervisor, SupervisorDriver)
    assert local.token.get_secret_value() == "a-token-of-this-test"
    assert local.journal.get_secret_value() == f"sqlite:///{place.home}/journal.sqlite3"
    assert local.drivers.supervisor.servers == ("*",)


def test_secrets_come_from_files_and_are_not_shown(place: StartupSettings) -> None:
    secret = place.home / "secrets/password"
    secret.write_text("open-sesame-of-this-test")
    write(
        place,
        f"token_file: {secret}\njournal: sqlite:////elsewhere\ndrivers:\n  supervisor:\n    url: http://stack:9001\n"
        f"    user: operator\n    password_file: {secret}\n    servers: [Alpha.example.org]\n",
    )
    local = open_local(place)
    assert isinstance(local.drivers.supervisor, SupervisorDriver)
    assert local.drivers.supervisor.servers == ("alpha.example.org",)
    assert local.drivers.supervisor.password is not None
    assert local.drivers.supervisor.password.get_secret_value() == "open-sesame-of-this-test"
    assert "sesame" not in repr(local)


def test_every_mistake_is_reported_at_once(place: StartupSettings) -> None:
    write(
        place,
        "drivers:\n  supervisor:\n    url: http://user:password@host\n    servers: [no/host]\n"
        "  systemctl: {}\nlimits:\n  body_bytes: 0\ntoken_file: secrets/token\njournal: oracle://user:password@host\n",
    )
    with pytest.raises(SettingsError) as wrong:
        open_local(place)
    found = {(mistake.where, mistake.key) for mistake in wrong.value.mistakes}
    assert found == {
        ("receiver.yaml:3", "drivers.supervisor.url"),
        ("receiver.yaml:4", "drivers.supervisor.servers"),
        ("receiver.yaml:5", "drivers.systemctl"),
        ("receiver.yaml:7", "limits.body_bytes"),
        ("receiver.yaml:8", "token_file"),
        ("receiver.yaml:9", "journal"),
    }
    assert "user:password" not in str(wrong.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(None, "no such file", id="no file"),
        pytest.param("- a\n", "mapping of keys", id="not a mapping"),
        pytest.param("token_file: /nonexistent\n", "read /nonexistent: No such file", id="no such secret"),
    ],
)
def test_a_file_that_cannot_be_used(place: StartupSettings, text: str | None, problem: str) -> None:
    if text is not None:
        write(place, text)
    with pytest.raises(SettingsError, match=problem):
        open_local(place)


def test_an_empty_token_lets_nobody_in_and_is_a_mistake(place: StartupSettings) -> None:
    (place.home / "secrets/receiver_token").write_text("\n")
    write(place, "{}\n")
    with pytest.raises(SettingsError, match="the file is empty"):
        open_local(place)


def test_a_token_that_could_be_guessed_is_a_mistake(place: StartupSettings) -> None:
    write(place, "{}\n")
    for token in ("x", "fifteen-letters"):
        (place.home / "secrets/receiver_token").write_text(token)
        with pytest.raises(SettingsError, match="at least 16 characters"):
            open_local(place)
    (place.home / "secrets/receiver_token").write_text("sixteen--letters")
    assert open_local(place).token
    (place.home / "secrets/approval_key").write_text("fifteen-letters")
    with pytest.raises(SettingsError, match=r"approvals\.key_file: a token has at least 16"):
        open_local(place)


def test_a_variable_names_the_journal_and_wins_over_the_file(place: StartupSettings) -> None:
    write(place, "journal: sqlite:////elsewhere\n")
    url = "postgresql://nervesys@db/journal"
    journal = open_local(place, environ={"NERVESYS_JOURNAL_URL": url}).journal
    assert journal is not None
    assert journal.get_secret_value() == url
    with pytest.raises(SettingsError, match="NERVESYS_JOURNAL_URL"):
        open_local(place, environ={"NERVESYS_JOURNAL_URL": "oracle://x"})


def test_receivers_do_not_share_a_journal_of_one_machine() -> None:
    check_peers(SecretStr("sqlite:////home/journal.sqlite3"), ())
    check_peers(SecretStr("postgresql://db/journal"), ("receiver-2:17010",))
    with pytest.raises(SettingsError, match=r"journal: is SQLite.*receiver-2:17010"):
        check_peers(SecretStr("sqlite:////home/journal.sqlite3"), ("receiver-2:17010",))

"""Secrets of ours are replaced with an overlap; wherever a rotation is killed, nobody is locked out.

Covers: nervesys.agent.round.secrets, nervesys.settings.rotating_secret.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from alerting.journal.approvals import Answer
from alerting.receiver.approval_links import ApprovalLink, LinkSigner
from nervesys.agent.round.secrets import rotate_secrets
from nervesys.artifacts.tokens import Caller, Tokens
from nervesys.errors import NervesysError
from nervesys.settings import load, rotation
from nervesys.settings.rotating_secret import SecretFromFile, previous_file, valid_values
from nervesys.settings.rotation import DAY_SECONDS, OwnSecret, complete_copies, own_secrets, rotate

NOW = 1_800_000_000.0
OLD = "the-old-secret-of-a-listener"
TOKENS = "secrets/artifacts"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / TOKENS
    folder.mkdir(parents=True)
    (tmp_path / "secrets").chmod(0o700)
    folder.chmod(0o700)
    for path in (tmp_path / "secrets/receiver_token", folder / "grok"):
        path.write_text(OLD)
        os.utime(path, (NOW - 100 * DAY_SECONDS,) * 2)
    return tmp_path


def named(home: Path, name: str) -> OwnSecret:
    return next(secret for secret in own_secrets(home, TOKENS) if secret.name == name)


def test_old_and_new_are_accepted_until_the_overlap_ends(home: Path) -> None:
    now = [NOW]
    listener = SecretFromFile(home / "secrets/receiver_token", lambda: now[0])
    assert listener.valid_values() == (OLD,)
    rotate(named(home, "receiver_token"), NOW, 3600)
    new = listener.get_secret_value()
    assert new != OLD
    assert len(new) == 40
    assert listener.valid_values() == (new, OLD)
    rotate(named(home, "receiver_token"), NOW + 10, 3600)
    assert valid_values(listener) == (listener.get_secret_value(), OLD, new), "twice within the overlap"
    now[0] = NOW + 3605
    assert valid_values(listener) == (listener.get_secret_value(), new)
    now[0] = NOW + 4000
    assert len(valid_values(listener)) == 1
    for path in (listener.path, previous_file(listener.path)):
        assert path.stat().st_mode & 0o777 == 0o600
    assert new not in repr(listener)


def test_a_rotation_without_overlap_ends_the_secrets_before_it_too(home: Path) -> None:
    listener = SecretFromFile(home / "secrets/receiver_token", lambda: NOW + 20)
    rotate(named(home, "receiver_token"), NOW, 24 * 3600)
    rotate(named(home, "receiver_token"), NOW + 10, 0)
    assert listener.valid_values() == (listener.get_secret_value(),)


def test_links_by_the_old_key_are_accepted_until_the_overlap_ends(home: Path) -> None:
    now, file = [NOW], home / "secrets/approval_key"
    file.write_text(OLD)
    signer = LinkSigner(SecretFromFile(file, lambda: now[0]))
    before = signer.sign(ApprovalLink(1, "restart_agent", "nonce", Answer.APPROVE, "mail", int(NOW)))
    form = signer.form_key(before)
    rotate(named(home, "approval_key"), NOW, 3600)
    after = signer.sign(ApprovalLink(2, "restart_agent", "nonce", Answer.APPROVE, "mail", int(NOW)))
    assert signer.read(before) is not None
    assert signer.form_key(before) == form
    now[0] += 3601
    assert signer.read(before) is None
    assert signer.read(after) is not None


def test_a_value_from_elsewhere_is_accepted_alone() -> None:
    assert valid_values(SecretStr("x")) == ("x",)


@pytest.mark.parametrize("dies_at", [1, 2, 3])
def test_killed_at_any_write_the_old_secret_is_accepted_and_a_second_run_completes_it(
    home: Path, dies_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = home / "secrets/agents-artifacts/grok"
    copy.parent.mkdir()
    copy.write_text(OLD)
    secret, write, writes = named(home, "artifacts/grok"), rotation._replace, [0]
    assert secret.copies == (copy,)

    def dying(path: Path, text: str, *, like: Path) -> None:
        writes[0] += 1
        if writes[0] == dies_at:
            raise OSError(28, "No space left on device")
        write(path, text, like=like)

    tokens = Tokens(home / TOKENS, lambda: NOW)
    monkeypatch.setattr(rotation, "_replace", dying)
    with pytest.raises(NervesysError, match=r"artifacts/grok in .*: No space left"):
        rotate(secret, NOW, 3600)
    assert tokens.caller(copy.read_bytes()) == tokens.caller(OLD.encode()) == Caller("grok")
    monkeypatch.setattr(rotation, "_replace", write)
    complete_copies([secret])
    assert copy.read_text() == secret.path.read_text()
    rotate(secret, NOW + 1, 3600)
    assert tokens.caller(copy.read_bytes()) == tokens.caller(OLD.encode()) == Caller("grok")


def test_a_token_of_artifacts_is_accepted_at_once_and_its_forerunner_until_the_overlap_ends(home: Path) -> None:
    now = [NOW]
    tokens = Tokens(home / TOKENS, lambda: now[0])
    rotate(named(home, "artifacts/grok"), NOW, 3600)
    new = (home / TOKENS / "grok").read_bytes()
    assert tokens.caller(new) == tokens.caller(OLD.encode()) == Caller("grok")
    now[0] += 3601
    assert (tokens.caller(new), tokens.caller(OLD.encode())) == (Caller("grok"), None)


def test_the_round_replaces_what_is_due_if_the_settings_ask_for_it(home: Path) -> None:
    storage, lines = load().settings.storage, list[str]()
    assert rotate_secrets(home, storage, lambda: NOW, lines.append) == []
    assert lines == []
    asked = storage.model_copy(update={"round": storage.round.model_copy(update={"rotate_secrets_days": 90})})
    (home / TOKENS / "qwen").write_text(OLD)
    assert rotate_secrets(home, asked, lambda: NOW, lines.append) == []
    assert [line.partition(":")[0] for line in lines] == [
        "replaced the secret receiver_token",
        "replaced the secret artifacts/grok",
    ], "qwen is not due"
    assert not any((home / "secrets/receiver_token").read_text() in line for line in lines)


@pytest.mark.parametrize(
    "linked", ["secrets/receiver_token", "secrets/artifacts/grok", "secrets/agents-artifacts/grok"]
)
def test_a_file_that_another_program_links_to_is_left_to_it(linked: str, home: Path) -> None:
    target, path = home / "..data/secret", home / linked
    copy = home / "secrets/agents-artifacts/grok"
    for folder in (target.parent, copy.parent):
        folder.mkdir(parents=True)
    copy.write_text(OLD)
    path.unlink()
    target.write_text(OLD)
    path.symlink_to(target)
    name = "receiver_token" if linked.endswith("token") else "artifacts/grok"
    with pytest.raises(NervesysError, match=rf"{linked} is a symbolic link to {target}, which another program manages"):
        rotate(named(home, name), NOW, 3600)
    assert (path.is_symlink(), target.read_text()) == (True, OLD)
    assert not previous_file(named(home, name).path).exists()


def test_a_copy_that_links_to_the_secret_follows_it(home: Path) -> None:
    copy = home / "secrets/agents-artifacts/grok"
    copy.parent.mkdir()
    copy.symlink_to("../artifacts/grok")
    rotate(named(home, "artifacts/grok"), NOW, 3600)
    complete_copies(own_secrets(home, TOKENS))
    assert copy.is_symlink()
    assert copy.read_text() != OLD


def test_files_that_others_must_read_keep_their_mode(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    (folder / "receiver_token").write_text(OLD)
    (folder / "receiver_token").chmod(0o644)
    rotate(named(tmp_path, "receiver_token"), NOW, 60)
    assert (folder / "receiver_token").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_text("")])
def test_a_secret_that_vanishes_stays_the_last_one(home: Path, damage: Callable[[Path], object]) -> None:
    secret = SecretFromFile(home / "secrets/receiver_token")
    damage(secret.path)
    assert secret.get_secret_value() == OLD
    previous_file(secret.path).write_text("{damaged")
    assert valid_values(secret) == (OLD,)

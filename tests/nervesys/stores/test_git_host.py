"""The brain over https with a token: read, written, refused; and where the token must never show."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from nervesys.errors import BrainUnavailable
from nervesys.stores.brain import GitBrain
from tests.brains import read, write
from tests.nervesys.stores.git_host import serving

TOKEN = "s3cret-token"


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    write(tmp_path / "brain.git", {"README.md": b"hello\n", "config/storage.yaml": b""})
    with serving(tmp_path, f"x-access-token:{TOKEN}") as (url, certificate):
        monkeypatch.setenv("GIT_SSL_CAINFO", str(certificate))
        yield url


def test_a_brain_behind_https_is_read_and_written_with_a_token(host: str, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    brain = GitBrain(f"{host}/brain.git", mirror, timeout_seconds=30, token=TOKEN)
    brain.fetch()
    tree = brain.tree("main")
    assert tree is not None
    assert tree.read("README.md") == b"hello\n"
    brain.commit({"state/grok_last_status.json": b"{}"}, "Status of grok", "grok")
    assert read(tmp_path / "brain.git", "state/grok_last_status.json") == b"{}"
    kept = [file.read_bytes() for file in mirror.rglob("*") if file.is_file()]
    assert not [body for body in kept if b"s3cret" in body]


def test_a_login_within_the_url_works_too_and_is_taken_out_of_it(host: str, tmp_path: Path) -> None:
    url = host.replace("https://", f"https://x-access-token:{TOKEN}@")
    brain = GitBrain(f"{url}/brain.git", tmp_path / "mirror", timeout_seconds=30)
    brain.fetch()
    assert brain.url == f"{host}/brain.git"


def test_a_wrong_token_raises_an_error_without_it_and_without_a_prompt(host: str, tmp_path: Path) -> None:
    brain = GitBrain(f"{host}/brain.git", tmp_path / "mirror", timeout_seconds=30, token="wrong-s3cret")
    with pytest.raises(
        BrainUnavailable, match=f"fetch main of {host}/brain.git: the token is missing, or refused"
    ) as refused:
        brain.fetch()
    assert "s3cret" not in str(refused.value)

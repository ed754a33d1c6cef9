"""`nervesys backup` and `nervesys restore`, of an installation with a real S3 server: wiped, and brought back.

Covers: commands.backup, commands.restore.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest

from nervesys.artifacts.files import ContentStorage
from nervesys.stores.bundle import branch_tips
from nervesys.stores.s3 import S3Store
from nervesys.workspace import Workspace
from tests.brains import write
from tests.commands.conftest import Run
from tests.nervesys.agent.backup.kit import content
from tests.servers.fixtures import rclone_endpoint
from tests.servers.s3 import ACCESS_KEY, SECRET_KEY, settings_of

__all__ = ["rclone_endpoint"]

OBJECTS = {
    "db/agents/grok_state.json": b'{"agent_id": "grok"}',
    "databases/grok/notes.bin": os.urandom(100_000),
    "shared/knowledge_base.json": b'{"deploy": "night"}',
}


def home_files(home: Path) -> dict[str, object]:
    skipped = ("cache", "brain", "brain.git", "store", "secrets", ".restored")
    return {
        path.relative_to(home).as_posix(): content(path)
        for path in home.rglob("*")
        if path.is_file() and path.relative_to(home).parts[0] not in skipped and path.suffix != ".lock"
    }


@pytest.fixture
def nervesys(run: Run, rclone_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Runs a command on an installation whose brain, home and store hold something; returns what it prints."""
    for name, value in {"ENDPOINT": rclone_endpoint, "ACCESS_KEY": ACCESS_KEY, "SECRET_KEY": SECRET_KEY}.items():
        monkeypatch.setenv(f"STORJ_{name}", value)
    store = S3Store(settings_of(rclone_endpoint))
    for key, body in OBJECTS.items():
        store.put(key, body)
    write(tmp_path / "brain.git", {"config/agents/grok.yaml": b"agent: {role: research}\n"})
    write(tmp_path / "brain.git", {"state/grok.json": b"{}"}, branch="state")
    (tmp_path / "home/secrets").mkdir(parents=True)
    (tmp_path / "home/secrets/receiver_token").write_text("0123456789abcdef0123")
    (tmp_path / "home/receiver.yaml").write_text("drivers: {}\n")
    with Workspace(tmp_path / "home/workspace", "apollo", "grok") as workspace:
        workspace.files.write("plan.md", "# Plan")
    (tmp_path / "archive").mkdir()

    def command(*words: str, code: int = 0) -> str:
        brain = ("--brain", str(tmp_path / "brain.git")) if (tmp_path / "brain.git").exists() else ()
        home = () if words[0] == "restore" else ("--home", str(tmp_path / "home"))
        ran = run(*words, *home, *brain, "--archive", (tmp_path / "archive").as_uri())
        assert ran.code == code, ran.out + ran.err
        return ran.out + ran.err

    return command


def test_a_machine_is_wiped_and_brought_back_by_restore_alone(
    nervesys: Callable[..., str], rclone_endpoint: str, tmp_path: Path
) -> None:
    home, store = tmp_path / "home", S3Store(settings_of(rclone_endpoint))
    assert "Dry run: nothing was written." in nervesys("backup", "--dry-run")
    assert list((tmp_path / "archive").iterdir()) == []
    printed = nervesys("backup")
    assert "secrets         not contained: encryption.recipients are not set" in printed
    assert "metrics         not contained: left out by the setting" in printed
    before, tips = home_files(home), branch_tips(tmp_path / "brain.git")

    shutil.rmtree(home)
    shutil.rmtree(tmp_path / "brain.git")
    for key in OBJECTS:
        store.delete(key)
    printed = nervesys("restore", "--into", str(home))
    assert f"export NERVESYS_BRAIN={home}/brain.git" in printed
    assert "secrets was not in the backup" in printed
    assert home_files(home) == before
    assert branch_tips(home / "brain.git") == tips
    assert "was restored there; with --upload" in nervesys("restore", "--into", str(home), code=1)
    assert "uploaded 3 objects; 0 existed already" in nervesys("restore", "--into", str(home), "--upload")
    assert {key: store.get(key, max_bytes=1 << 20) for key in OBJECTS} == OBJECTS


def test_another_folder_is_restored_while_the_brain_is_there(nervesys: Callable[..., str], tmp_path: Path) -> None:
    nervesys("backup")
    before = home_files(tmp_path / "home")
    nervesys("restore", "--into", str(tmp_path / "second"))
    assert home_files(tmp_path / "second") == before
    assert branch_tips(tmp_path / "second/brain.git") == branch_tips(tmp_path / "brain.git")


def test_wrong_arguments_are_named(nervesys: Callable[..., str], tmp_path: Path) -> None:
    nervesys("backup")
    target = str(tmp_path / "target")
    assert "must be a day" in nervesys("restore", "--into", target, "--at", "yesterday", code=2)
    assert "no full backup of 2020-01-01 or before" in nervesys(
        "restore", "--into", target, "--at", "2020-01-01", code=1
    )
    assert "it is not empty" in nervesys("restore", "--into", str(tmp_path / "home"), code=1)
    (tmp_path / "home/receiver.yaml").unlink()
    assert "which this host cannot reach" in nervesys("backup", code=1)
    assert "not on this host" in nervesys("backup", "--replace")


def test_contents_of_artifacts_in_a_bucket_are_put_back(
    nervesys: Callable[..., str], rclone_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(rclone_endpoint)
    root = f"s3://{settings.bucket}/artifacts"
    monkeypatch.setenv("NERVESYS_ARTIFACTS", root)
    storage, uri = ContentStorage(root, settings), f"{root}/step_v1.txt"
    storage.put(uri, BytesIO(b"a step"))
    with closing(sqlite3.connect(tmp_path / "home/artifacts.sqlite3")) as db, db:
        db.execute("CREATE TABLE manifests (id TEXT, uri TEXT, checksum TEXT, status TEXT, created_at REAL)")
    nervesys("backup")
    storage.delete(uri)
    into = ("restore", "--into", str(tmp_path / "restored"), "--upload")
    assert "uploaded 1 content of artifacts; 0 existed already" in nervesys(*into)
    with storage.open(uri) as content_:
        assert content_.read() == b"a step"

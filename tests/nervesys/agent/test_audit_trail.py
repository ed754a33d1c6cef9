"""The trail of a program reaches the store as an agent's logs do; a full disk and a dead store fail nothing."""

import json
import sqlite3
from pathlib import Path
from unittest import mock

import pyrage
import pytest
from pydantic import SecretStr

from nervesys.agent.audit_trail import audit_trail
from nervesys.agent.logs.buffer import LogBuffer
from nervesys.audit import AUDIT, AuditAction, AuditResult
from nervesys.errors import StoreUnavailable
from nervesys.settings import Settings, load
from nervesys.stores.encryption import set_identity
from nervesys.stores.lines import lines_of
from nervesys.stores.objects import ObjectStore
from tests.stores import FolderStore

ENVIRON = {"NERVESYS_SERVER": "host-1"}


@pytest.fixture(autouse=True)
def _no_repetitions() -> None:
    AUDIT.flush(everything=True)


@pytest.fixture
def settings() -> Settings:
    return load().settings


@pytest.fixture
def bucket(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "bucket")


def records(tmp_path: Path) -> list[dict[str, object]]:
    found = []
    for path in sorted((tmp_path / "bucket").rglob("*.jsonl.gz*")):
        with path.open("rb") as stream:
            found += [json.loads(line) for line in lines_of(stream, path.name)]
    return found


def read(name: str) -> None:
    AUDIT.record(AuditAction.READ_ARTIFACT, AuditResult.OK, f"token {name}", "get 1", client="127.0.0.1")


class AwayStore(FolderStore):
    def put(self, *_: object, **__: object) -> str:
        raise StoreUnavailable("put: it does not answer")


def test_events_are_shipped_without_secrets_and_under_the_name_of_the_program(
    tmp_path: Path, settings: Settings, bucket: FolderStore
) -> None:
    with audit_trail("receiver", tmp_path, settings, bucket, ENVIRON):
        AUDIT.record(
            AuditAction.ORDER, AuditResult.FAILED, "session 1", "restart grok", detail="password=hunter2-of-the-page"
        )
    (key,) = [info.key for info in bucket.list("").objects]
    assert key.startswith("db/active_logs/host-1/")
    assert "_nervesys-receiver_" in key
    (record,) = records(tmp_path)
    assert (record["agent_id"], record["category"], record["action"], record["level"]) == (
        "nervesys-receiver",
        "audit",
        "order",
        "WARN",
    )
    context = record["context"]
    assert isinstance(context, dict)
    assert (context["who"], context["target"], context["result"]) == ("session 1", "restart grok", "failed")
    assert "hunter2" not in json.dumps(record)


def test_with_recipients_the_trail_is_encrypted(tmp_path: Path, settings: Settings, bucket: FolderStore) -> None:
    ours = pyrage.x25519.Identity.generate()
    encryption = settings.storage.encryption.model_copy(update={"recipients": (str(ours.to_public()),)})
    storage = settings.storage.model_copy(update={"encryption": encryption})
    with audit_trail("page", tmp_path, settings.model_copy(update={"storage": storage}), bucket, ENVIRON):
        read("grok")
    set_identity(SecretStr(str(ours)))
    try:
        assert [record["message"] for record in records(tmp_path)] == ["token grok: read artifact get 1 ok"]
    finally:
        set_identity(None)


def test_what_the_store_did_not_take_is_shipped_by_the_next_start(
    tmp_path: Path, settings: Settings, bucket: FolderStore
) -> None:
    failures = AUDIT.failures["store"]
    with audit_trail("logs", tmp_path, settings, AwayStore(tmp_path / "bucket"), ENVIRON):
        read("grok")
    assert AUDIT.failures["store"] > failures
    assert records(tmp_path) == []
    with audit_trail("logs", tmp_path, settings, bucket, ENVIRON):
        pass
    assert [record["message"] for record in records(tmp_path)] == ["token grok: read artifact get 1 ok"]


def test_a_full_disk_fails_no_access_and_is_counted(tmp_path: Path, settings: Settings, bucket: FolderStore) -> None:
    failures = AUDIT.failures["disk"]
    with (
        mock.patch.object(LogBuffer, "_insert", side_effect=sqlite3.OperationalError("database or disk is full")),
        audit_trail("artifacts", tmp_path, settings, bucket, ENVIRON),
    ):
        read("grok")
    assert AUDIT.failures["disk"] > failures
    assert records(tmp_path) == []


def test_without_a_place_for_the_trail_the_program_runs_and_warns(
    tmp_path: Path, settings: Settings, bucket: FolderStore, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "audit").write_text("a file where a folder belongs")
    with audit_trail("page", tmp_path, settings, bucket, ENVIRON):
        read("grok")
    assert "the audit trail is not written" in caplog.text


def test_two_processes_of_a_program_never_share_a_name(tmp_path: Path, settings: Settings, bucket: ObjectStore) -> None:
    with (
        audit_trail("cli", tmp_path, settings, bucket, ENVIRON),
        audit_trail("cli", tmp_path, settings, bucket, ENVIRON),
    ):
        assert sorted(path.name for path in (tmp_path / "audit").iterdir()) == ["nervesys-cli", "nervesys-cli-2"]

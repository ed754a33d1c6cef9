"""A full backup holds everything, each content once, and brings it back; whatever breaks, nothing is lost.

Covers: nervesys.agent.backup.full, nervesys.agent.backup.backup_files, nervesys.agent.backup.backup_run,
nervesys.agent.backup.items, nervesys.agent.backup.collect,
nervesys.agent.backup.known, nervesys.agent.backup.packs, nervesys.agent.backup.manifest, nervesys.agent.backup.drill,
nervesys.agent.backup.proofs, nervesys.agent.backup.relocate, nervesys.stores.bundle.
"""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pyrage
import pytest
from pydantic import SecretStr

from nervesys.agent.backup.backup_files import BackupFiles
from nervesys.agent.backup.collect import backup_place
from nervesys.agent.backup.drill import newest_backup, restore, verify
from nervesys.agent.backup.manifest import read_packs
from nervesys.agent.backup.relocate import move_artifacts, upload_objects
from nervesys.agent.backup.restore import RestoredBackup, mark_complete
from nervesys.agent.backup.retention import read_state
from nervesys.errors import ArchiveFull, ArchiveUnavailable, BadObject, NervesysError, StoreUnavailable
from nervesys.settings import StartupSettings
from nervesys.stores.bundle import branch_tips
from nervesys.stores.encryption import set_identity
from nervesys.stores.folder import FolderArchive
from tests.nervesys.agent.backup.kit import DAY, LARGE, NOON, PATH, STORAGE, Installation, content
from tests.stores import FolderStore

MANIFEST = PATH.replace("tar.gz", "jsonl.gz")
OURS, OTHERS = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
ENCRYPTED = STORAGE.model_copy(
    update={"encryption": STORAGE.encryption.model_copy(update={"recipients": (str(OURS.to_public()),)})}
)


@pytest.fixture
def fleet(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


def bring_back(fleet: Installation, name: str = "restored", **options: bool) -> tuple[RestoredBackup, list[str]]:
    """Restore the newest backup; returns it, and the steps."""
    steps: list[str] = []
    path = newest_backup(fleet.archive, fleet.storage)
    restored = restore(fleet.archive, path, fleet.folder / name, steps.append, resume=True, **options)
    assert verify(restored, fleet.storage, steps.append) == []
    return restored, steps


def lost(fleet: Installation, restored: RestoredBackup) -> list[str]:
    """Files that are missing or differ."""
    there = {name: restored.folder / name for name in fleet.files()}
    return [name for name, body in fleet.files().items() if not there[name].exists() or content(there[name]) != body]


def packs(fleet: Installation) -> list[Path]:
    return sorted((fleet.folder / "archive/Backups/packs").iterdir())


def test_everything_comes_back_and_each_part_is_proven(fleet: Installation) -> None:
    manifest = fleet.back_up()
    assert set(manifest.missing) == {"secrets"}
    assert read_state(fleet.archive, fleet.storage).problems == []
    restored, steps = bring_back(fleet)
    assert lost(fleet, restored) == []
    assert branch_tips(restored.folder / "brain.git") == branch_tips(fleet.repository)
    assert not (restored.folder / "secrets").exists()
    assert (restored.folder / "store/shared/knowledge_base.json").stat().st_mtime == pytest.approx(
        (fleet.folder / "store/shared/knowledge_base.json").stat().st_mtime
    )
    text = "\n".join(steps)
    assert "brain: every object of main (" in text
    assert "knowledge: store/shared/knowledge_base.json read, 1 entry, such as deploy" in text
    assert "workspaces: apollo replayed, 2 events" in text
    assert "artifacts: 1 content of manifests present, the newest opened" in text
    assert "journal: 1 episode, the newest is 1: restart_agent of grok, proven" in text
    assert len(restored.files) == sum(part.files for part in manifest.parts.values())


def test_a_content_is_stored_once_and_unchanged_files_are_not_read_again(fleet: Installation) -> None:
    first = fleet.back_up()
    before = packs(fleet)
    assert first.new.files < first.files, "the large content is an object, and an artifact"
    assert sum(pack.stat().st_size for pack in before) < 200_000

    class Unread(FolderStore):
        def open(self, key: str):  # type: ignore[no-untyped-def]
            raise StoreUnavailable(f"get {key}: it did not change")

    fleet.store = Unread(fleet.folder / "store")
    second = fleet.back_up(lambda: NOON + DAY)
    assert second.files == first.files
    assert set(before) <= set(packs(fleet))
    assert second.new.files <= 4, "the bundle of the brain, and the index of the archive"
    assert read_state(fleet.archive, fleet.storage).problems == []
    restored, _ = bring_back(fleet)
    fleet.store = FolderStore(fleet.folder / "store")
    assert lost(fleet, restored) == []


def test_a_dry_run_writes_nothing(fleet: Installation) -> None:
    planned = fleet.back_up(dry_run=True)
    assert list((fleet.folder / "archive").rglob("*")) == []
    done = fleet.back_up()
    assert (planned.files, planned.missing) == (done.files, done.missing)
    assert planned.new.files == done.new.files


def test_encrypted_backups_hold_secrets_and_open_with_the_right_identity_only(tmp_path: Path) -> None:
    fleet = Installation(tmp_path, ENCRYPTED)
    assert fleet.back_up().missing == {}
    for path in (tmp_path / "archive/Backups").rglob("*.age"):
        assert path.read_bytes().startswith(b"age-encryption.org/v1")
    assert b"0123456789abcdef" not in b"".join(p.read_bytes() for p in (tmp_path / "archive").rglob("*") if p.is_file())
    set_identity(SecretStr(str(OTHERS)))
    with pytest.raises(BadObject, match="encrypted for others"):
        bring_back(fleet)
    assert not (tmp_path / "restored").exists()
    set_identity(SecretStr(str(OURS)))
    try:
        restored, _ = bring_back(fleet)
    finally:
        set_identity(None)
    assert lost(fleet, restored) == []
    assert (restored.folder / "secrets/receiver_token").read_text() == "0123456789abcdef0123"


class Interrupted(Exception):
    """Stands for kill -9."""


class Failing(FolderArchive):
    """Stops at the n-th upload."""

    left = 2
    error: Callable[[str], Exception] = Interrupted

    def put(self, path: str, body: bytes | IO[bytes]) -> None:
        self.left -= 1
        if self.left < 0:
            raise self.error(f"put {path}")
        super().put(path, body)


@pytest.mark.parametrize("error", [Interrupted, ArchiveFull, ArchiveUnavailable])
def test_a_backup_that_stops_half_way_leaves_the_previous_whole_and_continues(
    fleet: Installation, error: Callable[[str], Exception]
) -> None:
    fleet.back_up()
    fleet.store.put("databases/grok/notes/new.bin", os.urandom(100_000))
    fleet.store.put("shared/knowledge/grok.json", b"{}")
    failing = Failing(fleet.folder / "archive")
    failing.error = error
    with pytest.raises((Interrupted, ArchiveUnavailable)):
        fleet.back_up(lambda: NOON + DAY, failing)
    assert newest_backup(fleet.archive, fleet.storage) == PATH
    assert read_state(fleet.archive, fleet.storage).problems == []
    bring_back(fleet)
    half = packs(fleet)
    manifest = fleet.back_up(lambda: NOON + DAY)
    assert set(half) <= set(packs(fleet)), "what was stored is used"
    assert manifest.path.endswith("2026-01-02.tar.gz")
    restored, _ = bring_back(fleet, "again")
    assert lost(fleet, restored) == []


def test_a_full_disk_is_named_and_no_backup_is_written(fleet: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("nervesys.agent.backup.backup_run.copyfileobj", full)
    with pytest.raises(NervesysError, match="No space left on device; temporary files need room in TMPDIR"):
        fleet.back_up()
    assert list((fleet.folder / "archive").rglob("full_backup*")) == []


def test_a_missing_pack_is_named_before_anything_is_written(fleet: Installation) -> None:
    fleet.back_up()
    gone = next(pack for pack in packs(fleet) if pack.stat().st_size > 500)
    gone.unlink()
    assert read_state(fleet.archive, fleet.storage).problems == [
        f"Backups/packs/{gone.name} is missing from the archive"
    ]
    with pytest.raises(NervesysError, match=f"{gone.name} is missing from the archive"):
        bring_back(fleet)
    assert not (fleet.folder / "restored").exists()
    rest = restore(fleet.archive, PATH, fleet.folder / "rest", lambda _: None, partial=True)
    assert any(problem.endswith(" is missing") for problem in rest.problems)
    assert rest.files


def test_a_damaged_pack_costs_its_own_files_alone(fleet: Installation) -> None:
    fleet.back_up()
    damaged = next(pack.path for pack in read_packs(fleet.archive, MANIFEST) if len(LARGE) in pack.contents.values())
    body = bytearray(fleet.archive.get(damaged, max_bytes=1 << 20))
    body[len(body) // 2] ^= 0xFF
    fleet.archive.put(damaged, bytes(body))
    restored = restore(fleet.archive, PATH, fleet.folder / "restored", lambda _: None)
    assert restored.problems
    for name in restored.files:
        assert not restored.path(name).name.startswith(".restore-")
    problems = verify(restored, fleet.storage, lambda _: None)
    assert any(damaged in problem or "large.bin does not match" in problem for problem in problems)
    assert (fleet.folder / "restored/store/shared/knowledge_base.json").exists()
    assert not (fleet.folder / "restored/store/databases/grok/notes/large.bin").exists()


def test_an_archive_that_goes_away_half_way_is_named_and_the_restore_continues(fleet: Installation) -> None:
    fleet.back_up()

    class Away(FolderArchive):
        left = 3

        def open(self, path: str):  # type: ignore[no-untyped-def]
            self.left -= 1
            if self.left < 0:
                raise ArchiveUnavailable(f"get {path}: timed out")
            return super().open(path)

    target = fleet.folder / "restored"
    with pytest.raises(ArchiveUnavailable, match="timed out"):
        restore(Away(fleet.folder / "archive"), PATH, target, lambda _: None, resume=True)
    with pytest.raises(NervesysError, match="not empty"):
        restore(fleet.archive, PATH, target, lambda _: None)
    restored, _ = bring_back(fleet)
    assert lost(fleet, restored) == []
    assert not restore(fleet.archive, PATH, target, lambda _: None, resume=True).was_complete, "its rows may be missing"
    mark_complete(target)
    again = restore(fleet.archive, PATH, target, lambda _: None, resume=True)
    assert again.was_complete
    assert again.files == restored.files


def test_a_store_that_goes_away_half_way_ends_the_backup_without_a_manifest(fleet: Installation) -> None:
    class Away(FolderStore):
        def open(self, key: str):  # type: ignore[no-untyped-def]
            if key.startswith("shared/"):
                raise StoreUnavailable(f"get {key}: timed out")
            return super().open(key)

    fleet.store = Away(fleet.folder / "store")
    with pytest.raises(StoreUnavailable):
        fleet.back_up()
    assert BackupFiles.of(fleet.archive, fleet.storage).manifests == ()


def test_artifacts_follow_to_another_folder_and_objects_to_an_empty_store(fleet: Installation) -> None:
    fleet.back_up()
    restored, _ = bring_back(fleet)
    assert move_artifacts(restored) == 1
    assert move_artifacts(restored) == 0
    empty = fleet.folder / "bucket"
    empty.mkdir()
    store = FolderStore(empty)
    store.put("shared/knowledge_base.json", b"newer")
    assert upload_objects(restored, store, fleet.storage.storj.paths, lambda _: None) == (4, 1)
    assert store.get("shared/knowledge_base.json", max_bytes=10) == b"newer"
    assert upload_objects(restored, store, fleet.storage.storj.paths, lambda _: None) == (0, 5)


def test_a_host_of_agents_alone_names_what_it_cannot_reach(fleet: Installation) -> None:
    for name in ("journal.sqlite3", "receiver.yaml", "artifacts.sqlite3"):
        (fleet.home / name).unlink()
    missing = fleet.back_up().missing
    assert missing.keys() == {"journal", "artifacts", "configuration", "secrets"}
    assert "not on this host" in missing["journal"]


def test_the_receivers_file_is_contained_where_it_lies_outside_the_home(fleet: Installation) -> None:
    (fleet.home / "journal.sqlite3").unlink()
    elsewhere = fleet.folder / "elsewhere.yaml"
    (fleet.home / "receiver.yaml").rename(elsewhere)
    start = StartupSettings(fleet.home, str(fleet.repository))
    contents = backup_place(start, fleet.storage, fleet.store, None, elsewhere).contents()
    assert "configuration" not in contents.missing
    items = [item.name for source in contents.sources if source.part == "configuration" for item in source.items()]
    assert "home/receiver.yaml" in items

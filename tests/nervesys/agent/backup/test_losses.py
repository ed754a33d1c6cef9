"""What once made a full backup useless, or incomplete without a word: each costs at most itself."""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from pathlib import Path
from typing import IO

import pyrage
import pytest

from nervesys.agent.backup import backup_run, full
from nervesys.agent.backup.drill import newest_backup, restore, verify
from nervesys.agent.backup.manifest import write_manifest
from nervesys.agent.backup.packs import Pack
from nervesys.agent.backup.restore import RestoredBackup
from nervesys.agent.backup.retention import GRACE_SECONDS, read_state, unneeded_packs
from nervesys.agent.round.knowledge import KnowledgeMerge
from nervesys.artifacts.files import ContentStorage, ContentUnavailable, StoredFile
from nervesys.contract.knowledge import learn_value
from nervesys.errors import ArchiveUnavailable, BadObject, NervesysError
from nervesys.file_lock import FileLock
from nervesys.stores.encryption import set_identity
from nervesys.stores.folder import FolderArchive
from nervesys.stores.objects import Listing, ObjectInfo
from tests.nervesys.agent.backup.kit import DAY, NOON, PATH, STORAGE, Installation
from tests.stores import FolderStore

MANIFEST = PATH.replace("tar.gz", "jsonl.gz")


@pytest.fixture
def fleet(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


def bring_back(fleet: Installation) -> RestoredBackup:
    path = newest_backup(fleet.archive, fleet.storage)
    restored = restore(fleet.archive, path, fleet.folder / "restored", lambda _: None)
    assert verify(restored, fleet.storage, lambda _: None) == restored.problems
    return restored


class OddKeys(FolderStore):
    """An S3 store, whose keys have fewer rules than paths."""

    odd: tuple[str, ...] = ("documents/", "documents/a//b", "documents/../b")

    def list(self, prefix: str, *, recursive: bool = True) -> Listing:
        listing = super().list(prefix, recursive=recursive)
        more = (ObjectInfo(key, "v", 0 if key.endswith("/") else 3, 1.0) for key in self.odd if key.startswith(prefix))
        return replace(listing, objects=(*listing.objects, *more))


def test_keys_that_are_no_paths_do_not_make_the_backup_useless(fleet: Installation) -> None:
    fleet.store = OddKeys(fleet.folder / "store")
    missing = fleet.back_up().missing
    assert {"store/documents/a//b", "store/documents/../b"} <= missing.keys()
    assert "store/documents/" not in missing, "a folder's mark"
    assert bring_back(fleet).problems == []


def test_a_name_that_the_disk_refuses_costs_itself_alone(fleet: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet.back_up()
    monkeypatch.setattr(
        RestoredBackup, "path", lambda self, name: self.folder / (name if "large" not in name else "x" * 300)
    )
    restored = restore(fleet.archive, PATH, fleet.folder / "restored", lambda _: None)
    (problem,) = restored.problems
    assert problem == "store/databases/grok/notes/large.bin cannot be written: File name too long"
    assert "home/artifacts/t1/step_v1.txt" in restored.files, "it has the same content"


def test_names_that_are_not_utf8_and_folders_that_vanish_or_cannot_be_read_end_no_backup(
    fleet: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = fleet.home / "workspace/apollo/files"
    (Path(os.fsdecode(os.fsencode(files) + b"/plan\xe9.txt"))).write_text("kept")
    for name in ("closed", "vanished"):
        (files / name).mkdir()
    listed = Path.iterdir

    def iterdir(path: Path):  # type: ignore[no-untyped-def]
        if path.name == "closed":
            raise PermissionError(13, "Permission denied")
        if path.name == "vanished":
            raise FileNotFoundError(2, "No such file or directory")
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    missing = fleet.back_up().missing
    monkeypatch.undo()
    assert missing.keys() == {"secrets", "home/workspace/apollo/files/closed"}
    bring_back(fleet)
    assert (fleet.folder / "restored/workspace/apollo/files/plan\\xe9.txt").read_text() == "kept"


def test_files_of_agents_may_end_as_locks_do_and_journals_of_databases_stay_out(fleet: Installation) -> None:
    files = fleet.home / "workspace/apollo/files"
    (files / "poetry.lock").write_text("pinned")
    with closing(sqlite3.connect(files / "notes.db")) as db, db:
        db.execute("CREATE TABLE notes (text)")
    (files / "notes.db-journal").write_bytes(bytes(512))
    (files / "plan-journal").write_text("not of a database")
    fleet.back_up()
    bring_back(fleet)
    back = {path.name for path in (fleet.folder / "restored/workspace/apollo/files").iterdir()}
    assert back >= {"poetry.lock", "notes.db", "plan-journal"}
    assert "notes.db-journal" not in back


def test_more_files_than_a_restore_can_list_are_refused_by_the_backup(
    fleet: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(full, "MAX_TABLE_BYTES", 500)
    with pytest.raises(NervesysError, match="leave areas out by the setting"):
        fleet.back_up()


def test_many_files_that_cannot_be_read_leave_a_manifest_that_can(
    fleet: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup_run, "NAMED", 1)
    fleet.store = store = OddKeys(fleet.folder / "store")
    store.odd = tuple(f"documents//{number}" for number in range(5))
    missing = fleet.back_up().missing
    assert missing["further files"] == "4 more cannot be read"


def test_hosts_of_agents_or_artifacts_alone_back_up_what_they_have(fleet: Installation) -> None:
    for name in ("journal.sqlite3", "receiver.yaml"):
        (fleet.home / name).unlink()
    manifest = fleet.back_up()
    assert {"journal", "configuration", "secrets"} == manifest.missing.keys()
    bring_back(fleet)
    assert (fleet.folder / "restored/workspace/apollo/files/plan.md").read_text() == "# Plan"
    assert (fleet.folder / "restored/artifacts/t1/step_v1.txt").exists()


def test_folders_outside_of_the_home_and_links_to_them_are_contained(fleet: Installation) -> None:
    disk = fleet.folder / "disk"
    disk.mkdir()
    (fleet.home / "workspace").rename(disk / "projects")
    (fleet.home / "artifacts").rename(disk / "artifacts")
    (fleet.home / "artifacts").symlink_to(disk / "artifacts")
    workspace = STORAGE.workspace.model_copy(update={"path": str(disk / "projects")})
    fleet.storage = STORAGE.model_copy(update={"workspace": workspace})
    fleet.back_up()
    bring_back(fleet)
    assert (fleet.folder / "restored/workspace/apollo/files/plan.md").read_text() == "# Plan"
    assert (fleet.folder / "restored/artifacts/t1/step_v1.txt").exists()


def _contents_by_url(fleet: Installation, *leave_out: str) -> ContentStorage:
    """Let the artifacts lie where a URL names, as those of a bucket do."""
    root = fleet.folder / "contents"
    root.mkdir()
    (root / "a.bin").write_bytes(b"a content of its own")
    artifacts = STORAGE.artifacts.model_copy(update={"files": root.as_uri()})
    backups = STORAGE.backup.model_copy(update={"leave_out": leave_out})
    fleet.storage = STORAGE.model_copy(update={"artifacts": artifacts, "backup": backups})
    return ContentStorage(root.as_uri(), fleet.storage.storj)


def test_a_content_of_an_artifact_that_is_deleted_meanwhile_costs_itself_alone(
    fleet: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = _contents_by_url(fleet)
    listed = [StoredFile(f"{contents.root}/{name}", 20, 1.0) for name in ("a.bin", "deleted.bin", "folder.bin")]
    (fleet.folder / "contents/folder.bin").mkdir()  # listed as a file, and cannot be read as one
    monkeypatch.setattr(ContentStorage, "all", lambda _: iter(listed))
    assert fleet.back_up().missing.keys() - {"secrets"} == {"home/artifacts/folder.bin"}
    bring_back(fleet)
    assert (fleet.folder / "restored/artifacts/a.bin").read_bytes() == b"a content of its own"


def test_a_bucket_that_goes_away_costs_the_rest_of_its_part_alone(
    fleet: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = _contents_by_url(fleet, "archive_index")
    (fleet.folder / "contents/b.bin").write_bytes(b"never read")
    opened = ContentStorage.open

    def fail(storage: ContentStorage, uri: str) -> AbstractContextManager[IO[bytes]]:
        if uri == f"{contents.root}/b.bin":
            raise ContentUnavailable(f"read {uri}: no response")
        return opened(storage, uri)

    monkeypatch.setattr(ContentStorage, "open", fail)
    assert "no response" in fleet.back_up().missing["artifacts"]
    assert not bring_back(fleet).problems, "the pack of the first content is among those that the backup needs"


def test_a_truncated_pack_is_not_taken_for_whole_by_the_next_backup(fleet: Installation) -> None:
    fleet.back_up()
    for pack in (fleet.folder / "archive/Backups/packs").iterdir():
        pack.write_bytes(pack.read_bytes()[:-1])
    fleet.back_up(lambda: NOON + DAY)
    assert read_state(fleet.archive, fleet.storage).problems == []
    assert bring_back(fleet).problems == []


class Killed(Exception):
    """Stands for kill -9."""


def test_a_second_backup_of_a_day_that_is_killed_leaves_every_pack_needed(
    fleet: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.back_up()
    fleet.store.put("databases/grok/notes/new.bin", os.urandom(5000))

    def killed(archive: FolderArchive, path: str, manifest: object, packs: Sequence[Pack]) -> None:
        if len(calls) == 1:
            raise Killed
        calls.append(path)
        write_manifest(archive, path, manifest, packs)  # type: ignore[arg-type]

    calls: list[str] = []
    monkeypatch.setattr("nervesys.agent.backup.full.write_manifest", killed)
    with pytest.raises(Killed):
        fleet.back_up()
    for path in (fleet.folder / "archive/Backups/packs").iterdir():
        os.utime(path, (NOON, NOON))
    for unneeded in unneeded_packs(fleet.archive, fleet.storage, NOON + GRACE_SECONDS + 1):
        fleet.archive.delete(unneeded)
    assert bring_back(fleet).problems == []
    assert (fleet.folder / "restored/store/databases/grok/notes/new.bin").exists()


def test_two_hosts_at_once_leave_no_manifest_of_one_with_the_backup_of_the_other(fleet: Installation) -> None:
    class Shared(FolderArchive):
        """Another host writes its backup right after ours."""

        def put(self, path: str, body: bytes | IO[bytes]) -> None:
            super().put(path, body)
            if path == PATH:
                super().put(path, b"of another host")

        def open(self, path: str):  # type: ignore[no-untyped-def]
            return super().open(path)

    class Late(Shared):
        """It does so after ours was read back."""

        def put(self, path: str, body: bytes | IO[bytes]) -> None:
            FolderArchive.put(self, path, body)
            if path == MANIFEST:
                FolderArchive.put(self, PATH, b"of another host")

    with pytest.raises(ArchiveUnavailable):
        fleet.back_up(archive=Shared(fleet.folder / "archive"))
    with pytest.raises(NervesysError, match="another host wrote"):
        fleet.back_up(archive=Late(fleet.folder / "archive"))
    assert not (fleet.folder / "archive" / MANIFEST).exists(), "no pack is deleted"
    fleet.back_up()
    assert bring_back(fleet).problems == []


def test_a_pack_that_is_deleted_meanwhile_and_a_second_backup_of_one_home_are_named(fleet: Installation) -> None:
    class Losing(FolderArchive):
        def put(self, path: str, body: bytes | IO[bytes]) -> None:
            super().put(path, body)
            if path == MANIFEST:
                next((fleet.folder / "archive/Backups/packs").iterdir()).unlink()

    with pytest.raises(NervesysError, match="was deleted or changed meanwhile; run it again"):
        fleet.back_up(archive=Losing(fleet.folder / "archive"))
    with FileLock(fleet.home / "cache/backup.lock"), pytest.raises(NervesysError, match="another backup"):
        fleet.back_up()
    fleet.back_up()
    assert bring_back(fleet).problems == []


def test_with_other_recipients_everything_is_stored_for_them(fleet: Installation) -> None:
    fleet.back_up()
    new = pyrage.x25519.Identity.generate()
    encryption = STORAGE.encryption.model_copy(update={"recipients": (str(new.to_public()),)})
    fleet.storage = STORAGE.model_copy(update={"encryption": encryption})
    manifest = fleet.back_up(lambda: NOON + DAY)
    for path in (fleet.folder / "archive/Backups/packs").glob("*.zst"):
        path.unlink()
    set_identity(str(new))  # type: ignore[arg-type]
    assert manifest.new.files > 5
    assert read_state(fleet.archive, fleet.storage).problems == []


def test_copies_of_a_secret_are_private_and_times_of_no_calendar_are_left_out(tmp_path: Path) -> None:
    fleet = Installation(tmp_path)
    for name in ("a", "b"):
        fleet.store.put(f"databases/grok/{name}", b"the same")
    os.utime(tmp_path / "store/databases/grok/a", (-5, -5))
    fleet.back_up()
    bring_back(fleet)
    for name in ("a", "b"):
        assert (tmp_path / f"restored/store/databases/grok/{name}").stat().st_mode & 0o077 == 0


def test_knowledge_that_nobody_could_read_does_not_replace_what_all_can(
    fleet: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fleet.store.get("shared/knowledge_base.json", max_bytes=1000)
    monkeypatch.setattr("nervesys.agent.round.knowledge.MAX_BYTES", 200)
    learned = learn_value("grok", "deploy/notes", "x" * 300, NOON)
    with pytest.raises(BadObject, match="200"):
        KnowledgeMerge(fleet.store, STORAGE.storj.paths, learned=learned).run()
    assert fleet.store.get("shared/knowledge_base.json", max_bytes=1000) == before

"""The restore drill, on backups of one file as earlier releases made: damaged and malicious ones are rejected.

Covers: nervesys.agent.backup.index, nervesys.agent.backup.restore, nervesys.agent.backup.verify.
"""

import hashlib
import io
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

from nervesys.agent.backup import index
from nervesys.agent.backup.drill import Drill, record_drill
from nervesys.agent.backup.restore import check_empty
from nervesys.agent.replication.backup import open_packer
from nervesys.contract import RestoreDrill
from nervesys.errors import NervesysError
from nervesys.settings import FolderTree, StartupSettings, load, shipped_root
from nervesys.stores.folder import FolderArchive
from nervesys.stores.open_brain import open_brain
from tests.brains import NOON, read, write
from tests.stores import FolderStore

STORAGE = load().settings.storage
PATH = "Backups/full_backup_2026-01-01.tar.gz"
ODD = "databases/grok/a\\b\nc.bin"


class World:
    """A store with databases, an archive with its backup, and an empty place."""

    def __init__(self, home: Path) -> None:
        self.home, self.target = home, home / "restored"
        self.store, self.archive = FolderStore(home / "store"), FolderArchive(home / "archive")
        self.store.put("shared/knowledge_base.json", b'{"known": true}')
        self.store.put("databases/grok/memory.sqlite3", database(home / "memory.sqlite3"))
        self.store.put(ODD, b"\0" * 100_000)
        self.back_up()

    def back_up(self, path: str = PATH, brain: Path | None = None) -> None:
        body = io.BytesIO()
        with open_packer(body) as packer:
            packer.add_configuration(FolderTree(brain or shipped_root()))
            for prefix in ("shared/", "databases/"):
                for info in self.store.list(prefix).objects:
                    packer.add(f"store/{info.key}", io.BytesIO(self.store.get(info.key, max_bytes=1 << 30)))
        self.archive.put(path, body.getvalue())

    @property
    def body(self) -> bytes:
        return self.archive.get(PATH, max_bytes=1 << 30)

    def remake(self, change: "Change") -> None:
        """Make the backup anew of changed members; its checksums stay, unless they are what is changed."""
        out = io.BytesIO()
        with tarfile.open(fileobj=io.BytesIO(self.body)) as old, tarfile.open(fileobj=out, mode="w:gz") as new:
            for member in old:
                stream = old.extractfile(member)
                assert stream is not None
                if changed := change(member, stream.read()):
                    changed[0].size = len(changed[1])
                    new.addfile(changed[0], io.BytesIO(changed[1]))
        self.archive.put(PATH, out.getvalue())

    def drill(self, backup: str | None = None) -> RestoreDrill:
        ticks = count()
        return Drill(self.archive, STORAGE, lambda: NOON, lambda: next(ticks) * 2.5, "drill@test").run(
            self.target, lambda _: None, backup
        )

    def lying(self) -> dict[str, str]:
        """Everything in the archive and the store, by checksum."""
        files = [path for root in ("archive", "store") for path in (self.home / root).rglob("*") if path.is_file()]
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def database(path: Path) -> bytes:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE memory (text TEXT)")
        db.executemany("INSERT INTO memory VALUES (?)", (("x" * 100,) for _ in range(500)))
    db.close()
    return path.read_bytes()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_everything_comes_back_and_the_originals_are_as_they_were(world: World) -> None:
    before = world.lying()
    went = world.drill()
    assert (went.succeeded, went.detail) == (True, "")
    assert (went.backup, went.backup_timestamp, went.duration_seconds) == (PATH, NOON - 43_200, 2.5)
    restored = FolderStore(world.target / "store")
    for key in ("shared/knowledge_base.json", "databases/grok/memory.sqlite3", ODD):
        assert restored.get(key, max_bytes=1 << 20) == world.store.get(key, max_bytes=1 << 20)
    assert load(FolderTree(world.target / "brain")).agents.keys() == load().agents.keys()
    lying = [path for path in world.target.rglob("*") if path.is_file() and ".restored" not in path.parts]
    assert (went.files, went.bytes) == (len(lying), sum(path.stat().st_size for path in lying))
    assert world.lying() == before


def test_the_newest_backup_is_restored_or_the_given_path(world: World) -> None:
    world.store.put("shared/knowledge_base.json", b"newer")
    world.back_up("Backups/full_backup_2026-01-02.tar.gz")
    world.archive.put("Backups/full_backup_2026-99-99.tar.gz", b"")
    assert world.drill().backup == "Backups/full_backup_2026-01-02.tar.gz"
    world.target = world.home / "other"
    assert world.drill(PATH).backup == PATH
    assert (world.target / "store/shared/knowledge_base.json").read_bytes() == b'{"known": true}'


@pytest.mark.parametrize("notes", [b"", b"\xff\n"], ids=["killed before its first line", "of another program"])
def test_notes_of_a_restore_that_are_no_text_are_refused_as_any_other_file(tmp_path: Path, notes: bytes) -> None:
    (tmp_path / ".restored").mkdir()
    (tmp_path / ".restored/notes").write_bytes(notes)
    with pytest.raises(NervesysError, match="it is not empty"):
        check_empty(tmp_path, "Backups/full_backup_2026-01-01.tar.gz")


def test_a_folder_that_is_not_empty_is_refused_and_left_alone(world: World) -> None:
    world.target.mkdir()
    (world.target / "precious").write_text("mine")
    with pytest.raises(NervesysError, match="not empty"):
        world.drill()
    assert [path.name for path in world.target.iterdir()] == ["precious"]


Change = Callable[[tarfile.TarInfo, bytes], tuple[tarfile.TarInfo, bytes] | None]
"""From a member of a backup and its content to others, or to none."""


def changed(name: str, body: bytes) -> Change:
    return lambda member, old: (member, body if member.name == name else old)


def deeply_nested_header(member: tarfile.TarInfo, old: bytes) -> tuple[tarfile.TarInfo, bytes]:
    if member.name == KNOWLEDGE:
        member.name = "HEADER.json"
        return member, b"[" * 100_000
    return member, old


def renamed(to: str, kind: bytes = tarfile.REGTYPE) -> Change:
    def change(member: tarfile.TarInfo, old: bytes) -> tuple[tarfile.TarInfo, bytes]:
        if member.name == "store/shared/knowledge_base.json":
            member.name, member.type, member.linkname = to, kind, "/etc/passwd"
            return member, b"" if kind != tarfile.REGTYPE else old
        return member, old

    return change


KNOWLEDGE, MEMORY = "store/shared/knowledge_base.json", "store/databases/grok/memory.sqlite3"


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        pytest.param(changed(KNOWLEDGE, b"{}"), f"{KNOWLEDGE} does not match its checksum", id="another content"),
        pytest.param(
            lambda member, old: None if member.name == MEMORY else (member, old), f"{MEMORY} is missing", id="one less"
        ),
        pytest.param(
            lambda member, old: None if member.name == "SHA256SUMS" else (member, old), "no checksums", id="no sums"
        ),
        pytest.param(
            renamed("store/shared/more.json"), "store/shared/more.json does not match", id="one that is unknown"
        ),
        pytest.param(renamed("store/../../escaped"), "is not a valid name in a backup", id="out of the folder"),
        pytest.param(renamed("/tmp/escaped"), "is not a valid name in a backup", id="absolute"),
        pytest.param(renamed("elsewhere/escaped"), "is not a valid name in a backup", id="elsewhere"),
        pytest.param(renamed("store/./escaped"), "is not a valid name in a backup", id="another spelling"),
        pytest.param(renamed("config/storage.yaml"), "contains a file twice", id="twice"),
        pytest.param(deeply_nested_header, "a table of the backup is damaged", id="nested too deeply"),
        pytest.param(renamed("store/link", tarfile.SYMTYPE), "is not a regular file", id="a link"),
        pytest.param(renamed("store/device", tarfile.CHRTYPE), "is not a regular file", id="a device"),
    ],
)
def test_what_could_not_be_restored_is_reported(world: World, change: Change, detail: str) -> None:
    world.remake(change)
    went = world.drill()
    assert not went.succeeded
    assert detail in went.detail
    assert list(world.home.rglob("escaped")) == []


def test_a_database_that_was_damaged_before_its_backup_is_reported(world: World) -> None:
    body = bytearray(world.store.get("databases/grok/memory.sqlite3", max_bytes=1 << 20))
    body[8192:12288] = b"\xff" * 4096
    world.store.put("databases/grok/memory.sqlite3", bytes(body))
    world.back_up()
    assert world.drill().detail == f"{MEMORY} is a damaged database"


def test_a_wrong_configuration_is_reported(world: World) -> None:
    (world.home / "brain/config").mkdir(parents=True)
    (world.home / "brain/config/storage.yaml").write_text("storj: {regoin: x}")
    world.back_up(brain=world.home / "brain")
    assert "the brain's configuration is wrong" in world.drill().detail


def with_large_header(member: tarfile.TarInfo, old: bytes) -> tuple[tarfile.TarInfo, bytes]:
    member.pax_headers = {"comment": "x" * 3000}
    return member, old


@pytest.mark.parametrize(
    ("limit", "change", "detail"),
    [
        pytest.param("MAX_TABLE_BYTES", lambda member, old: (member, old), "SHA256SUMS: more than 100", id="checksums"),
        pytest.param("MAX_READ_BYTES", with_large_header, "a header of the backup: more than", id="header"),
    ],
)
def test_what_is_kept_in_memory_is_bounded(
    world: World, monkeypatch: pytest.MonkeyPatch, limit: str, change: Change, detail: str
) -> None:
    monkeypatch.setattr(index, limit, 100 if limit == "MAX_TABLE_BYTES" else 2048)
    monkeypatch.setattr(index, "READ_BYTES", 1024)
    world.remake(change)
    assert detail in world.drill().detail


def test_a_sparse_file_is_refused(world: World) -> None:
    world.remake(renamed("store/sparse", tarfile.GNUTYPE_SPARSE))
    assert "is not a regular file" in world.drill().detail


def test_a_backup_without_configuration_is_reported(world: World) -> None:
    world.back_up(brain=world.home / "nothing")
    assert "there is no folder config/" in world.drill().detail


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.99])
def test_a_truncated_backup_is_reported(world: World, share: float) -> None:
    world.archive.put(PATH, world.body[: int(len(world.body) * share)])
    went = world.drill()
    assert not went.succeeded
    assert went.detail


@pytest.mark.parametrize("at", [0.2, 0.5, 0.8, pytest.param(1, id="in the checksum of gzip itself")])
def test_a_flipped_bit_is_reported(world: World, at: float) -> None:
    body = bytearray(world.body)
    body[int((len(body) - 1) * at)] ^= 4
    world.archive.put(PATH, bytes(body))
    assert not world.drill().succeeded


def test_a_disk_without_room_is_reported_before_it_is_full(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=5_000))
    assert "no room for its" in world.drill().detail


def test_without_a_backup_the_drill_fails(world: World) -> None:
    world.archive.delete(PATH)
    went = world.drill()
    assert (went.succeeded, went.detail) == (False, "the archive contains no full backup; make one: nervesys round")


def test_an_archive_that_is_away_is_a_drill_that_failed(world: World) -> None:
    (world.home / "archive").rename(world.home / "away")
    assert "list the archive" in world.drill().detail


def test_it_is_recorded_on_the_state_branch_and_earlier_records_stay_in_the_history(world: World) -> None:
    repository = world.home / "brain.git"
    write(repository, {"config/agents/grok.yaml": b"agent: {role: research}\n"})
    brain = open_brain(StartupSettings(world.home, str(repository)), "drill")
    assert brain is not None
    for _ in range(2):
        went = world.drill()
        record_drill(brain, went)
        world.target = world.home / "again"
        world.archive.delete(PATH)
    assert RestoreDrill.parse(read(repository, "state/restore_drill.json")) == went
    assert [commit.message for commit in brain.log("state")] == ["The restore drill failed", "The restore drill worked"]


def test_a_killed_drill_has_harmed_nothing_and_the_next_succeeds(world: World, wait_until: Callable[..., None]) -> None:
    for number in range(300):
        world.store.put(f"databases/grok/{number}.bin", number.to_bytes(2) * 50_000)
    world.back_up()
    before = world.lying()
    command = [sys.executable, "-m", "nervesys", "drill", "restore", str(world.target), "--home", str(world.home)]
    killed = subprocess.Popen([*command, "--archive", (world.home / "archive").as_uri()], stdout=subprocess.DEVNULL)
    wait_until(lambda: (world.target / "store").exists())
    killed.kill()
    assert killed.wait(10) == -signal.SIGKILL
    assert world.lying() == before
    with pytest.raises(NervesysError, match="not empty"):
        world.drill()
    world.target = world.home / "again"
    assert world.drill().succeeded

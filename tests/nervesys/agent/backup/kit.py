"""A whole installation on the disk: brain, home with journal, artifacts and a workspace, store and archive."""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

from nervesys.agent.backup.collect import BackupPlace, backup_place
from nervesys.agent.backup.full import FullBackup
from nervesys.agent.backup.manifest import BackupManifest
from nervesys.clock import Clock
from nervesys.settings import StartupSettings, Tree, load
from nervesys.settings.storage import Storage
from nervesys.stores.archive import Archive
from nervesys.stores.folder import FolderArchive
from nervesys.workspace import Workspace
from tests.brains import NOON as NOON_SECONDS
from tests.brains import write
from tests.stores import FolderStore

NOON = float(NOON_SECONDS)
DAY = 86_400.0
PATH = "Backups/full_backup_2026-01-01.tar.gz"
SHIPPED = load().settings.storage
STORAGE = SHIPPED.model_copy(update={"backup": SHIPPED.backup.model_copy(update={"leave_out": ()})})
LARGE = bytes(range(256)) * 400


class Installation:
    """One installation."""

    def __init__(self, folder: Path, storage: Storage = STORAGE) -> None:
        self.folder, self.home, self.storage = folder, folder / "home", storage
        for name in ("store", "archive", "home/secrets", "home/log", "home/artifacts/t1"):
            (folder / name).mkdir(parents=True)
        self.store, self.archive = FolderStore(folder / "store"), FolderArchive(folder / "archive")
        self.repository = folder / "brain.git"
        write(self.repository, {"config/agents/grok.yaml": b"agent: {role: research}\n"})
        write(self.repository, {"state/grok.json": b"{}"}, branch="state")
        self._fill_home()
        for key, body in {
            "db/agents/grok_state.json": b'{"agent_id": "grok"}',
            "shared/knowledge_base.json": b'{"deploy": {"window": "night"}}',
            "databases/grok/memory/2026-01-01T000000Z.sqlite3": (self.home / "journal.sqlite3").read_bytes(),
            "databases/grok/notes/large.bin": LARGE,
            "db/active_logs/host-1/2026-01-01/120000_grok_00000001.jsonl.gz": b"log",
        }.items():
            self.store.put(key, body)

    def _fill_home(self) -> None:
        home = self.home
        (home / "receiver.yaml").write_text("drivers: {}\n")
        (home / "secrets/receiver_token").write_text("0123456789abcdef0123")
        (home / "log/receiver.log").write_text("not contained")
        with closing(sqlite3.connect(home / "journal.sqlite3")) as db, db:
            db.execute("CREATE TABLE episodes (id INTEGER PRIMARY KEY, agent TEXT, action TEXT, state TEXT)")
            db.execute("INSERT INTO episodes VALUES (1, 'grok', 'restart_agent', 'proven')")
        (home / "artifacts/t1/step_v1.txt").write_bytes(LARGE)
        with closing(sqlite3.connect(home / "artifacts.sqlite3")) as db, db:
            db.execute("CREATE TABLE manifests (id TEXT, uri TEXT, checksum TEXT, status TEXT, created_at REAL)")
            uri = (home / "artifacts/t1/step_v1.txt").as_uri()
            row = ("a", uri, hashlib.sha256(LARGE).hexdigest(), "completed", 1.0)
            db.execute("INSERT INTO manifests VALUES (?, ?, ?, ?, ?)", row)
        with Workspace(home / "workspace", "apollo", "grok") as workspace:
            workspace.files.write("plan.md", "# Plan")
            workspace.milestone("planned")

    @property
    def place(self) -> BackupPlace:
        start = StartupSettings(self.home, str(self.repository))
        return backup_place(start, self.storage, self.store)

    def back_up(
        self, clock: Clock = lambda: NOON, archive: Archive | None = None, *, dry_run: bool = False
    ) -> BackupManifest:
        tree = load_tree(self.place)
        place = self.place
        backup = FullBackup(archive or self.archive, self.storage, tree, place.contents(), clock, "host-1", place.cache)
        return backup.run(lambda _: None, dry_run=dry_run)

    def files(self) -> dict[str, object]:
        """Everything that a restore must bring back, by its path in the restored folder."""
        skipped = (
            ("log", "cache", "brain") if self.storage.encryption.recipients else ("log", "cache", "brain", "secrets")
        )
        home = {
            path.relative_to(self.home).as_posix(): content(path)
            for path in self.home.rglob("*")
            if path.is_file() and path.relative_to(self.home).parts[0] not in skipped and path.suffix != ".lock"
        }
        store = {
            path.relative_to(self.folder).as_posix(): content(path)
            for path in (self.folder / "store").rglob("*")
            if path.is_file()
        }
        return home | store


def load_tree(place: BackupPlace) -> Tree:
    brain = place.brain()
    assert brain is not None
    return brain.newest().tree


def content(path: Path) -> object:
    """What a file holds: of a database its statements, as pages may lie otherwise in a copy."""
    body = path.read_bytes()
    if not body.startswith(b"SQLite format 3"):
        return body
    with closing(sqlite3.connect(path)) as db:
        return list(db.iterdump())

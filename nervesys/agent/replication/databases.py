"""An agent's own SQLite files: copied to the store, and restored on a new server.

    databases/{agent}/NAME/{date}T{time}Z.sqlite3     a copy; by the store's clock, the last one written is the newest
    databases/{agent}/NAME/{date}T{time}Z.sqlite3.age likewise, encrypted by age

A copy is taken by SQLite's online backup, so writers are not blocked. A state file beside each database lists the
copies that it continues: a database that continues the newest copy is used as it is. Else the newest copy is restored,
and the local file is moved aside. If the newest copy cannot be decrypted, a local file that was written later is used,
and the copy is kept.
"""

import json
import logging
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Lock

from nervesys.agent.identity import Identity
from nervesys.audit import AUDIT, AuditAction, AuditResult
from nervesys.clock import Clock
from nervesys.contract.paths import time_fields
from nervesys.errors import BadObject, NervesysError, Reason, StoreUnavailable
from nervesys.stores.encryption import check_readable, decrypt, encrypted_file, key_for
from nervesys.stores.objects import ObjectInfo, ObjectStore
from nervesys.workspace import disk

NAME = re.compile(r"[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?")
COPY = re.compile(r"\d{4}-\d\d-\d\dT\d{6}Z\.sqlite3(\.age)?")
END = ".sqlite3"
SPARE_BYTES = 64 << 20
"""Of free disk space required beside the size of a copy."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DatabaseCopyState:
    """Relation of a local file to its copies in the store; saved as JSON beside the file.

    Attributes:
        origins: keys of the copies that it continues; the upload of the last one may be incomplete.
        state: times and sizes of the files when that copy was taken.
        spared: keys of copies that could not be decrypted; never deleted, as their content may be nowhere else.
    """

    origins: tuple[str, ...] = ()
    state: tuple[float, ...] = ()
    spared: tuple[str, ...] = ()


@dataclass
class Databases:
    """The databases of one agent on this host.

    Attributes:
        folder: that contains them.
        prefix: of their keys in the store, ending in `/`.
        store: that holds the copies.
        keep: returns how many copies of each to keep; older ones are deleted after an upload.
        clock: gives the time in a copy's key.
        recipients: of age encryption; plain if there are none.
    """

    folder: Path
    prefix: str
    store: ObjectStore
    keep: Callable[[], int]
    clock: Clock
    recipients: Callable[[], Sequence[str]] = tuple
    _lock: Lock = field(default_factory=Lock)

    def path(self, name: str) -> Path:
        """Path of a database, restored first if the store has a newer copy; the file may not exist yet.

        Args:
            name: such as `memory`.

        Raises:
            NervesysError: the name is invalid; there is no local file and the store does not answer; the copy cannot
                be decrypted, and no local file was written later; or the disk has no room for it.
        """
        path = self._path(name)
        with self._lock:
            try:
                copies = self._copies(name)
            except StoreUnavailable as err:
                if not path.exists():
                    raise NervesysError(f"open database {name}: there is no local file, and {err}") from err
                log.warning("the local database %s is used unchecked, for the store does not answer: %s", name, err)
                return path
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for left in self.folder.glob(f"{disk.BESIDE}*"):
                left.unlink()  # of a killed process; the agent's file lock and `_lock` exclude a running one
            if copies and not (path.exists() and copies[-1].key in _read_copy_state(path).origins):
                self._renew(path, copies[-1])
        return path

    def names(self) -> list[str]:
        """Names of the databases with copies in the store.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        found = (info.key.removeprefix(self.prefix).partition("/") for info in self.store.list(self.prefix).objects)
        return sorted({name for name, _, copy in found if COPY.fullmatch(copy) and NAME.fullmatch(name)})

    def save(self) -> None:
        """Copy each database that changed since its last copy to the store.

        Raises:
            NervesysError: some could not be copied; the others were.
        """
        problems = []
        for path in sorted(self.folder.glob(f"*{END}")):
            try:
                with self._lock:
                    self._save(path)
            except (NervesysError, sqlite3.Error, OSError) as err:
                problems.append(f"copy database {path.stem} to the store: {err}")
        if problems:
            raise NervesysError("; ".join(problems))

    def _save(self, path: Path) -> None:
        state, before = _file_stats(path), _read_copy_state(path)
        if before.state == state:
            return
        now = time_fields(self.clock())
        recipients = self.recipients()
        key = key_for(f"{self.prefix}{path.stem}/{now['date']}T{now['time']}Z{END}", recipients)
        _check_room(path, path.stat().st_size * (2 if recipients else 1))
        with NamedTemporaryFile(dir=self.folder, prefix=disk.BESIDE) as copy:
            with closing(sqlite3.connect(path, timeout=30)) as source, closing(sqlite3.connect(copy.name)) as target:
                source.backup(target)
                _check(target, path.stem)
            with encrypted_file(copy, recipients, self.folder) as body:
                size = body.seek(0, os.SEEK_END)
                body.seek(0)
                # before the upload, so that the copy is known as ours after a kill in between
                _write_copy_state(path, replace(before, origins=(*before.origins[-1:], key)))
                self.store.put(key, body)
        copies = self._copies(path.stem)
        if not any(info.key == key and info.size == size for info in copies):
            raise StoreUnavailable(f"put {key}: the stored body differs from the one sent")
        _write_copy_state(path, DatabaseCopyState((key,), state, before.spared))
        for old in copies[: -self.keep()]:
            if old.key not in before.spared:
                self.store.delete(old.key)

    def _renew(self, path: Path, newest: ObjectInfo) -> None:
        """Restore the newest copy; if it cannot be decrypted, accept a local file that was written later."""
        try:
            with disk.describe_os_errors(f"restore {newest.key} into {self.folder}"):
                self._restore(path, newest)
        except BadObject as bad:
            if not path.exists():
                raise
            copy_state, state = _read_copy_state(path), _file_stats(path)
            if copy_state.state == state or max(state[::2]) <= newest.modified:
                raise BadObject(bad.reason, f"{bad.detail}; the local file is older, and was not changed") from bad
            if newest.key not in copy_state.spared:
                _write_copy_state(path, replace(copy_state, spared=(*copy_state.spared, newest.key)))
            log.warning("the local database %s is used, newer than the store's copy: %s", path.stem, bad)

    def _restore(self, path: Path, newest: ObjectInfo) -> None:
        check_readable(newest.key)
        _check_room(path, newest.size)
        with NamedTemporaryFile(dir=self.folder, prefix=disk.BESIDE) as copy:
            with self.store.open(newest.key) as stream:
                decrypt(stream, copy, newest.key)
            copy.flush()
            with closing(sqlite3.connect(copy.name)) as db:
                _check(db, newest.key)
            if path.exists():
                moved_to = _move_aside(path)
                log.warning(
                    "database %s: the store has a newer copy; the local file is moved to %s", path.stem, moved_to
                )
            path.hardlink_to(copy.name)
        disk.sync_folder(self.folder)
        _write_copy_state(path, DatabaseCopyState((newest.key,), _file_stats(path)))
        AUDIT.record(AuditAction.RESTORE, AuditResult.OK, "agent", newest.key)
        log.info("database %s is restored from %s: %d bytes", path.stem, newest.key, newest.size)

    def _copies(self, name: str) -> list[ObjectInfo]:
        """The copies in the store, oldest first."""
        listing = self.store.list(f"{self.prefix}{name}/")
        copies = (info for info in listing.objects if COPY.fullmatch(info.key.rpartition("/")[2]))
        return sorted(copies, key=lambda info: (info.modified, info.key))

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise NervesysError(f"open database {name[:100]!r}: a name is 1 to 63 of a-z 0-9 - _, such as `memory`")
        return self.folder / f"{name}{END}"


def open_databases(me: Identity, store: ObjectStore, clock: Clock) -> Databases:
    """The databases of an agent, as configured."""
    prefix = me.key(me.settings.storage.storj.paths.databases)

    def recipients() -> Sequence[str]:
        return me.settings.storage.encryption.recipients

    return Databases(me.folder / "databases", prefix, store, lambda: me.config.databases.keep, clock, recipients)


def _file_stats(path: Path) -> tuple[float, ...]:
    """Modification time and size of a database's files; they differ after any write."""
    files = [file for end in ("", "-wal") if (file := Path(f"{path}{end}")).exists()]
    return tuple(number for file in files for number in (file.stat().st_mtime, file.stat().st_size))


def _copy_state_path(path: Path) -> Path:
    return path.with_suffix(".json")


def _read_copy_state(path: Path) -> DatabaseCopyState:
    """Read the copy state of a file; empty if there is none, or it cannot be parsed."""
    try:
        content = json.loads(_copy_state_path(path).read_bytes())
        origins, spared = (tuple(map(str, content.get(keys, ()))) for keys in ("origins", "spared"))
        return DatabaseCopyState(origins, tuple(map(float, content["state"])), spared)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return DatabaseCopyState()


def _write_copy_state(path: Path, copy_state: DatabaseCopyState) -> None:
    disk.replace(_copy_state_path(path), json.dumps(asdict(copy_state)).encode())


def _move_aside(path: Path) -> Path:
    """Move a database and its write-ahead log aside, without overwriting an earlier one; returns the new path."""
    number = 1
    while (moved_to := path.with_suffix(f".aside-{number}")).exists():
        number += 1
    for end in ("-wal", ""):
        if (file := Path(f"{path}{end}")).exists():
            file.rename(f"{moved_to}{end}")
    Path(f"{path}-shm").unlink(missing_ok=True)
    return moved_to


def _check(db: sqlite3.Connection, what: str) -> None:
    """Reject a damaged database, so that no copy of it replaces a good one.

    Raises:
        BadObject: it is damaged.
    """
    try:
        content = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as err:
        content = str(err)
    if content != "ok":
        raise BadObject(Reason.BAD_VALUE, f"database {what} is damaged: {' '.join(content.split())}")


def _check_room(path: Path, needed: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if free < needed + SPARE_BYTES:
        raise NervesysError(f"no room for a copy of {needed} bytes in {path.parent}: {free} bytes are free")

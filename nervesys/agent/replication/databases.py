"""An agent's own SQLite files: copied to the store, and brought back where the agent starts anew.

    databases/{agent}/NAME/{date}T{time}Z.sqlite3     a copy; by the store's clock, the last one written is the newest
    databases/{agent}/NAME/{date}T{time}Z.sqlite3.age likewise, for those alone who hold an identity

A copy is taken by SQLite's online backup, so writers go on. Beside each file is noted which copies it has grown from: a
file that has grown from the newest is used as it is. Else the newest is brought back, and the file is set aside. Where
the newest cannot be opened, a file that was written to later is used, and the copy stays for who can.
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
from nervesys.clock import Clock
from nervesys.contract.paths import time_fields
from nervesys.errors import BadObject, NervesysError, Reason, StoreUnavailable
from nervesys.stores.objects import ObjectInfo, ObjectStore
from nervesys.stores.sealing import check_readable, name_for, sealed, unseal
from nervesys.workspace import disk

NAME = re.compile(r"[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?")
COPY = re.compile(r"\d{4}-\d\d-\d\dT\d{6}Z\.sqlite3(\.age)?")
END = ".sqlite3"
SPARE_BYTES = 64 << 20
"""That stay free on the disk beside a copy."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Note:
    """What is known of a file.

    Attributes:
        origins: keys of the copies that it has grown from; the last one may be under way.
        state: how the file looked when that one was taken.
        spared: keys of copies that could not be opened; what they hold may be nowhere else.
    """

    origins: tuple[str, ...] = ()
    state: tuple[float, ...] = ()
    spared: tuple[str, ...] = ()


@dataclass
class Databases:
    """The databases of one agent on this host.

    Attributes:
        folder: they lie in.
        prefix: of their keys in the store, ending in `/`.
        store: that keeps the copies.
        keep: how many copies of each; the oldest are deleted once the newest lies there.
        clock: names the copies.
        recipients: who alone are to read the copies; all where there are none.
    """

    folder: Path
    prefix: str
    store: ObjectStore
    keep: Callable[[], int]
    clock: Clock
    recipients: Callable[[], Sequence[str]] = tuple
    _lock: Lock = field(default_factory=Lock)

    def path(self, name: str) -> Path:
        """Where a database lies, brought back from the store where that has a newer one; it may not exist yet.

        Args:
            name: such as `memory`.

        Raises:
            NervesysError: the name is none; nobody knows whether there is a copy, for the store does not answer; the
                copy cannot be opened, and no file here was written to later; or the disk has no room for it.
        """
        path = self._path(name)
        with self._lock:
            try:
                copies = self._copies(name)
            except StoreUnavailable as err:
                if not path.exists():
                    raise NervesysError(f"open database {name}: it is not here, and {err}") from err
                log.warning("database %s is used as it is here, whatever the store has: %s", name, err)
                return path
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for left in self.folder.glob(f"{disk.BESIDE}*"):
                left.unlink()  # by one who was killed; the agent's lock, and ours, say that nobody is at it
            if copies and not (path.exists() and copies[-1].key in _noted(path).origins):
                self._renew(path, copies[-1])
        return path

    def names(self) -> list[str]:
        """The databases that the store keeps copies of.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        found = (info.key.removeprefix(self.prefix).partition("/") for info in self.store.list(self.prefix).objects)
        return sorted({name for name, _, copy in found if COPY.fullmatch(copy) and NAME.fullmatch(name)})

    def save(self) -> None:
        """Copy each database that changed since its last copy to the store.

        Raises:
            NervesysError: one could not be copied; the others are.
        """
        troubles = []
        for path in sorted(self.folder.glob(f"*{END}")):
            try:
                with self._lock:
                    self._save(path)
            except (NervesysError, sqlite3.Error, OSError) as err:
                troubles.append(f"copy database {path.stem} to the store: {err}")
        if troubles:
            raise NervesysError("; ".join(troubles))

    def _save(self, path: Path) -> None:
        state, before = _state(path), _noted(path)
        if before.state == state:
            return
        now = time_fields(self.clock())
        recipients = self.recipients()
        key = name_for(f"{self.prefix}{path.stem}/{now['date']}T{now['time']}Z{END}", recipients)
        _check_room(path, path.stat().st_size * (2 if recipients else 1))
        with NamedTemporaryFile(dir=self.folder, prefix=disk.BESIDE) as copy:
            with closing(sqlite3.connect(path, timeout=30)) as source, closing(sqlite3.connect(copy.name)) as target:
                source.backup(target)
                _check(target, path.stem)
            with sealed(copy, recipients, self.folder) as body:
                size = body.seek(0, os.SEEK_END)
                body.seek(0)
                _note(path, replace(before, origins=(*before.origins[-1:], key)))  # killed after the upload, it is ours
                self.store.put(key, body)
        copies = self._copies(path.stem)
        if not any(info.key == key and info.size == size for info in copies):
            raise StoreUnavailable(f"put {key}: what lies there is not what was sent")
        _note(path, Note((key,), state, before.spared))
        for old in copies[: -self.keep()]:
            if old.key not in before.spared:
                self.store.delete(old.key)

    def _renew(self, path: Path, newest: ObjectInfo) -> None:
        """Bring the newest copy back; where it cannot be opened, a file that was written to later will do."""
        try:
            with disk.told(f"bring back {newest.key} into {self.folder}"):
                self._bring_back(path, newest)
        except BadObject as bad:
            if not path.exists():
                raise
            noted, state = _noted(path), _state(path)
            if noted.state == state or max(state[::2]) <= newest.modified:
                raise BadObject(bad.reason, f"{bad.detail}; the older file here is left as it is") from bad
            if newest.key not in noted.spared:
                _note(path, replace(noted, spared=(*noted.spared, newest.key)))
            log.warning("database %s is used as it is here, newer than what the store keeps: %s", path.stem, bad)

    def _bring_back(self, path: Path, newest: ObjectInfo) -> None:
        check_readable(newest.key)
        _check_room(path, newest.size)
        with NamedTemporaryFile(dir=self.folder, prefix=disk.BESIDE) as copy:
            with self.store.open(newest.key) as stream:
                unseal(stream, copy, newest.key)
            copy.flush()
            with closing(sqlite3.connect(copy.name)) as db:
                _check(db, newest.key)
            if path.exists():
                aside = _set_aside(path)
                log.warning("database %s: the store has a newer one; the one here is set aside: %s", path.stem, aside)
            path.hardlink_to(copy.name)
        disk.sync_folder(self.folder)
        _note(path, Note((newest.key,), _state(path)))
        log.info("database %s is brought back from %s: %d bytes", path.stem, newest.key, newest.size)

    def _copies(self, name: str) -> list[ObjectInfo]:
        """The copies in the store, oldest first."""
        listing = self.store.list(f"{self.prefix}{name}/")
        copies = (info for info in listing.objects if COPY.fullmatch(info.key.rpartition("/")[2]))
        return sorted(copies, key=lambda info: (info.modified, info.key))

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise NervesysError(f"open database {name[:100]!r}: a name is 1 to 63 of a-z 0-9 - _, such as `memory`")
        return self.folder / f"{name}{END}"


def databases_of(me: Identity, store: ObjectStore, clock: Clock) -> Databases:
    """The databases of an agent."""
    prefix = me.key(me.settings.storage.storj.paths.databases)

    def recipients() -> Sequence[str]:
        return me.settings.storage.encryption.recipients

    return Databases(me.folder / "databases", prefix, store, lambda: me.config.databases.keep, clock, recipients)


def _state(path: Path) -> tuple[float, ...]:
    """How a database's files look, when each was written to and its size; other than before where one was."""
    files = [file for end in ("", "-wal") if (file := Path(f"{path}{end}")).exists()]
    return tuple(number for file in files for number in (file.stat().st_mtime, file.stat().st_size))


def _beside(path: Path) -> Path:
    return path.with_suffix(".json")


def _noted(path: Path) -> Note:
    """What is noted of a file; nothing where no note can be read."""
    try:
        said = json.loads(_beside(path).read_bytes())
        origins, spared = (tuple(map(str, said.get(keys, ()))) for keys in ("origins", "spared"))
        return Note(origins, tuple(map(float, said["state"])), spared)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Note()


def _note(path: Path, note: Note) -> None:
    disk.replace(_beside(path), json.dumps(asdict(note)).encode())


def _set_aside(path: Path) -> Path:
    """Move a file, with what is not in it yet, out of the way; an earlier one stays."""
    number = 1
    while (aside := path.with_suffix(f".aside-{number}")).exists():
        number += 1
    for end in ("-wal", ""):
        if (file := Path(f"{path}{end}")).exists():
            file.rename(f"{aside}{end}")
    Path(f"{path}-shm").unlink(missing_ok=True)
    return aside


def _check(db: sqlite3.Connection, what: str) -> None:
    """Refuse a damaged database, so that no copy of it takes the place of a good one.

    Raises:
        BadObject: it is damaged.
    """
    try:
        said = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as err:
        said = str(err)
    if said != "ok":
        raise BadObject(Reason.BAD_VALUE, f"database {what} is damaged: {' '.join(said.split())}")


def _check_room(path: Path, needed: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if free < needed + SPARE_BYTES:
        raise NervesysError(f"no room for a copy of {needed} bytes in {path.parent}: {free} bytes are free")

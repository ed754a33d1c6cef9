"""An agent's own SQLite files: copied to the store, and brought back where the agent starts anew.

    databases/{agent}/NAME/{date}T{time}Z.sqlite3     a copy; by the store's clock, the last one written is the newest

A copy is taken by SQLite's online backup, so writers go on. Beside each file is noted which copies it has grown from: a
file that has grown from the newest is used as it is. Else the newest is brought back, and the file is set aside.
"""

import json
import logging
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Lock

from nervesys.agent.identity import Identity
from nervesys.clock import Clock
from nervesys.contract.paths import time_fields
from nervesys.errors import BadObject, NervesysError, Reason, StoreUnavailable
from nervesys.stores.objects import ObjectInfo, ObjectStore
from nervesys.workspace.disk import replace, sync_folder

NAME = re.compile(r"[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?")
COPY = re.compile(r"\d{4}-\d\d-\d\dT\d{6}Z\.sqlite3")
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
    """

    origins: tuple[str, ...] = ()
    state: tuple[float, ...] = ()


@dataclass
class Databases:
    """The databases of one agent on this host.

    Attributes:
        folder: they lie in.
        prefix: of their keys in the store, ending in `/`.
        store: that keeps the copies.
        keep: how many copies of each; the oldest are deleted once the newest lies there.
        clock: names the copies.
    """

    folder: Path
    prefix: str
    store: ObjectStore
    keep: Callable[[], int]
    clock: Clock
    _lock: Lock = field(default_factory=Lock)

    def path(self, name: str) -> Path:
        """Where a database lies, brought back from the store where that has a newer one; it may not exist yet.

        Args:
            name: such as `memory`.

        Raises:
            NervesysError: the name is none; or nobody knows whether there is a copy, for the store does not answer.
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
            if copies and not (path.exists() and copies[-1].key in _noted(path).origins):
                self._bring_back(path, copies[-1])
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
        key = f"{self.prefix}{path.stem}/{now['date']}T{now['time']}Z{END}"
        _check_room(path, path.stat().st_size)
        with NamedTemporaryFile(dir=self.folder, prefix=f".{path.stem}-") as copy:
            with closing(sqlite3.connect(path, timeout=30)) as source, closing(sqlite3.connect(copy.name)) as target:
                source.backup(target)
                _check(target, path.stem)
            size = Path(copy.name).stat().st_size
            _note(path, Note((*before.origins[-1:], key), before.state))  # killed after the upload, it is known as ours
            with Path(copy.name).open("rb") as body:
                self.store.put(key, body, content_type="application/vnd.sqlite3")
        copies = self._copies(path.stem)
        if not any(info.key == key and info.size == size for info in copies):
            raise StoreUnavailable(f"put {key}: what lies there is not what was sent")
        _note(path, Note((key,), state))
        for old in copies[: -self.keep()]:
            self.store.delete(old.key)

    def _bring_back(self, path: Path, newest: ObjectInfo) -> None:
        _check_room(path, newest.size)
        with NamedTemporaryFile(dir=self.folder, prefix=f".{path.stem}-") as copy:
            with self.store.open(newest.key) as stream:
                shutil.copyfileobj(stream, copy)
            copy.flush()
            with closing(sqlite3.connect(copy.name)) as db:
                _check(db, newest.key)
            if path.exists():
                aside = _set_aside(path)
                log.warning("database %s: the store has a newer one; the one here is set aside: %s", path.stem, aside)
            Path(path).hardlink_to(copy.name)
        sync_folder(self.folder)
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
    return Databases(me.folder / "databases", prefix, store, lambda: me.config.databases.keep, clock)


def _state(path: Path) -> tuple[float, ...]:
    """How a database's files look; other than before where it was written to."""
    files = [file for end in ("", "-wal") if (file := Path(f"{path}{end}")).exists()]
    return tuple(number for file in files for number in (file.stat().st_mtime, file.stat().st_size))


def _beside(path: Path) -> Path:
    return path.with_suffix(".json")


def _noted(path: Path) -> Note:
    """What is noted of a file; nothing where no note can be read."""
    try:
        said = json.loads(_beside(path).read_bytes())
        return Note(tuple(map(str, said["origins"])), tuple(map(float, said["state"])))
    except (OSError, ValueError, KeyError, TypeError):
        return Note()


def _note(path: Path, note: Note) -> None:
    replace(_beside(path), json.dumps({"origins": note.origins, "state": note.state}).encode())


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

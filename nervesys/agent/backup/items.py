"""What a full backup contains: sources of files, each of one part."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile
from typing import IO, cast

from nervesys.contract import PathTemplate
from nervesys.errors import BadObject, Reason
from nervesys.settings.storage import StorePaths
from nervesys.sqlite_file import is_damage
from nervesys.stores.objects import ObjectStore

CONFIG, STORE, HOME = "config/", "store/", "home/"
"""Prefixes of names: of the brain's configuration, of objects of the store, of files of NERVESYS_HOME."""
BUNDLE, ARCHIVE_INDEX, ROWS = "brain.bundle", "archive_index.jsonl", "rows/"
SQLITE = b"SQLite format 3\0"
BUSY_SECONDS = 30
PARTS = {
    "secrets": "secrets",
    ".env": "secrets",
    "workspace": "workspaces",
    "journal.sqlite3": "journal",
    "artifacts": "artifacts",
    "artifacts.sqlite3": "artifacts",
}
"""Parts of files and folders of NERVESYS_HOME under their usual names."""
SKIPPED = (
    "cache",
    "brain",
    "programs",
    "log",
    "prometheus",
    "provisioning",
    "s3",
    "archive",
    "run",
    "store",
    ".restored",
)
"""Folders of NERVESYS_HOME with copies of other data, or what is generated, downloaded or scraped again."""
SKIPPED_ENDS = (".lock", "/lock", ".pid", ".sock", ".git")
"""Of files of our programs; what agents keep may have any name, such as `poetry.lock`."""
SQLITE_ENDS = ("-wal", "-shm", "-journal")
"""Beside a database, of which a whole copy is made: a journal of another instant would damage that copy."""
HOME_PARTS = ("configuration", "secrets", "workspaces", "journal", "artifacts")
AGENTS_OWN = ("workspaces", "artifacts")
"""Parts whose files have names that agents choose."""


@dataclass(frozen=True)
class BackupItem:
    """One file.

    Attributes:
        name: in the backup, such as `store/KEY`.
        open: opens its content.
        stamp: changes with the content; empty if that cannot be known without reading it.
        modified: Unix seconds; 0 if unknown.
    """

    name: str
    open: Callable[[], AbstractContextManager[IO[bytes]]]
    stamp: str = ""
    modified: float = 0


@dataclass(frozen=True)
class BackupSource:
    """Files of one part; several sources may have the same part.

    Attributes:
        part: such as `journal`.
        items: lists them.
    """

    part: str
    items: Callable[[], Iterable[BackupItem]]


@dataclass(frozen=True)
class BackupContents:
    """Everything that a full backup is made of.

    Attributes:
        sources: in the order in which they are read.
        missing: why a part is not contained, by part.
        header: values that a restore needs, such as the folder of the objects.
    """

    sources: tuple[BackupSource, ...]
    missing: dict[str, str] = field(default_factory=dict)
    header: dict[str, str] = field(default_factory=dict)


def store_sources(store: ObjectStore, paths: StorePaths) -> Iterator[BackupSource]:
    """One source for each area of the store."""
    for area, text in paths:
        yield BackupSource(area, partial(_objects, store, PathTemplate(text)))


def _objects(store: ObjectStore, template: PathTemplate) -> Iterator[BackupItem]:
    for info in sorted(store.list(template.prefix()).objects, key=lambda info: info.key):
        if info.key.endswith("/") and not info.size:
            continue  # tools that browse buckets make such objects in place of folders
        if template.text.endswith("/") or template.parse(info.key) is not None:
            stamp = f"{info.version} {info.size}"
            yield BackupItem(f"{STORE}{info.key}", partial(store.open, info.key), stamp, info.modified)


def home_sources(home: Path, parts: Iterable[str], named: Mapping[str, str]) -> Iterator[BackupSource]:
    """The files of NERVESYS_HOME by part; SQLite databases are copied by SQLite's online backup.

    Args:
        home: NERVESYS_HOME.
        parts: some of `HOME_PARTS`.
        named: parts of files and folders that the settings name.
    """
    for part in parts:
        yield BackupSource(part, partial(_home_items, home, part, {**PARTS, **named}))


def _home_items(home: Path, part: str, named: Mapping[str, str]) -> Iterator[BackupItem]:
    whole = part in AGENTS_OWN
    for path in sorted(home.iterdir()) if home.is_dir() else ():
        of = "secrets" if path.name.startswith(".env") else named.get(path.name, "configuration")
        if of == part and path.name not in SKIPPED and not _is_skipped(path, whole=whole):
            yield from folder_items(path, f"{HOME}{path.name}", whole=whole)


def folder_items(path: Path, name: str, *, whole: bool) -> Iterator[BackupItem]:
    """The files at or below a path. It may be a link, such as to another disk; links below it are left out.

    Args:
        path: of a file or folder.
        name: in the backup.
        whole: also files that end in one of `SKIPPED_ENDS`.
    """
    for file in sorted(_walk(path, whole=whole)):
        below = os.fsencode(file.relative_to(path)).decode(errors="backslashreplace")  # names need not be UTF-8
        yield file_item(name if file == path else f"{name}/{below}", file)


def _walk(path: Path, *, whole: bool) -> Iterator[Path]:
    """Files at or below a path; also a folder that cannot be read, so that the backup names it."""
    try:
        entries = list(path.iterdir()) if path.is_dir() else None
        if entries is None and not path.is_file():
            return
    except FileNotFoundError:
        return
    except OSError:
        entries = None
    if entries is None:
        yield path
        return
    for entry in entries:
        if not entry.is_symlink() and not _is_skipped(entry, whole=whole):
            yield from _walk(entry, whole=whole)


def _is_skipped(path: Path, *, whole: bool) -> bool:
    if path.name.endswith(SQLITE_ENDS):
        with suppress(OSError), path.with_name(path.name.rpartition("-")[0]).open("rb") as beside:
            return beside.read(len(SQLITE)) == SQLITE
    return not whole and f"/{path.name}".endswith(SKIPPED_ENDS)


def file_item(name: str, path: Path) -> BackupItem:
    """A file of the disk; if it is an SQLite database, a consistent copy of it."""
    stats = []
    with suppress(OSError):  # it may be deleted meanwhile: then its stamp is empty, and opening it reports that
        stats = [file.stat() for end in ("", "-wal") if (file := Path(f"{path}{end}")).exists()]
    stamp = " ".join(f"{stat.st_mtime_ns} {stat.st_size}" for stat in stats)
    return BackupItem(name, partial(_open_file, path), stamp, max((stat.st_mtime for stat in stats), default=0))


def checked_name(name: str) -> str:
    """Validate a name: below a known folder, and without `..`.

    Raises:
        BadObject: it is invalid.
    """
    known = name.startswith((CONFIG, STORE, HOME, ROWS)) or name in (BUNDLE, ARCHIVE_INDEX)
    if not known or ".." in PurePosixPath(name).parts or str(PurePosixPath(name)) != name or "\0" in name:
        raise BadObject(Reason.BAD_KEY, f"{name[:200]!r} is not a valid name in a backup")
    return name


@contextmanager
def _open_file(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        if file.read(len(SQLITE)) != SQLITE:
            file.seek(0)
            yield file
            return
    with NamedTemporaryFile(prefix="nervesys-backup-") as copy:
        try:
            uri = f"{path.absolute().as_uri()}?mode=ro"
            with (
                closing(sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS)) as source,
                closing(sqlite3.connect(copy.name)) as target,
            ):
                source.backup(target)
        except sqlite3.Error as err:
            if not is_damage(err):
                raise BadObject(Reason.BAD_VALUE, f"copy the database {path}: {err}") from err
            shutil.copyfile(path, copy.name)  # what is left of it; a restore drill reports the damage
        yield cast("IO[bytes]", copy)

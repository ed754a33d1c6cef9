"""What a full backup contains: sources of files, each of one part."""

import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
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
SECRETS = ("secrets/", ".env")
PARTS = {
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
SKIPPED_ENDS = (".lock", "/lock", "-wal", "-shm", ".pid", ".sock", ".git")


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
        if template.text.endswith("/") or template.parse(info.key) is not None:
            stamp = f"{info.version} {info.size}"
            yield BackupItem(f"{STORE}{info.key}", partial(store.open, info.key), stamp, info.modified)


def home_sources(home: Path) -> Iterator[BackupSource]:
    """The files of NERVESYS_HOME by part; SQLite databases are copied by SQLite's online backup."""
    for part in ("configuration", "secrets", "workspaces", "journal", "artifacts"):
        yield BackupSource(part, partial(_home_items, home, part))


def _home_items(home: Path, part: str) -> Iterator[BackupItem]:
    for path in sorted(_walk(home, home)):
        name = path.relative_to(home).as_posix()
        if part_of(name) == part:
            yield file_item(f"{HOME}{name}", path)


def part_of(name: str) -> str:
    """The part of a file of NERVESYS_HOME, by its path."""
    if name.startswith(SECRETS):
        return "secrets"
    return PARTS.get(name.partition("/")[0], "configuration")


def _walk(home: Path, folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        name = f"/{path.relative_to(home).as_posix()}"
        if path.is_symlink() or name.endswith(SKIPPED_ENDS) or (folder == home and path.name in SKIPPED):
            continue
        if path.is_dir():
            yield from _walk(home, path)
        elif path.is_file():
            yield path


def file_item(name: str, path: Path) -> BackupItem:
    """A file of the disk; if it is an SQLite database, a consistent copy of it."""
    files = [file for end in ("", "-wal") if (file := Path(f"{path}{end}")).exists()]
    stats = [file.stat() for file in files]
    stamp = " ".join(f"{stat.st_mtime_ns} {stat.st_size}" for stat in stats)
    return BackupItem(name, partial(_open_file, path), stamp, max((stat.st_mtime for stat in stats), default=0))


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

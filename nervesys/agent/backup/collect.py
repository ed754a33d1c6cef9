"""Collects what a full backup of this host contains, and names what it cannot reach."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, TYPE_CHECKING, cast

from nervesys.agent.backup.items import (
    AGENTS_OWN,
    BUNDLE,
    HOME,
    HOME_PARTS,
    ROWS,
    BackupContents,
    BackupItem,
    BackupSource,
    file_item,
    folder_items,
    home_sources,
    store_sources,
)
from nervesys.errors import DatabaseUnavailable, SourceError
from nervesys.settings import StartupSettings
from nervesys.settings.storage import Storage
from nervesys.stores.brain import GitBrain
from nervesys.stores.bundle import write_bundle
from nervesys.stores.objects import ObjectStore
from nervesys.stores.open_brain import open_brain

if TYPE_CHECKING:
    from nervesys.artifacts.files import ContentStorage

NOT_HERE = "not on this host: run `nervesys backup` where the receiver runs"
MONITORING_FILES = ("journal.sqlite3", "receiver.yaml")
"""Files of a NERVESYS_HOME that belongs to the monitoring, and not to agents alone."""
SQLITE_URL = "sqlite:///"
CONTENTS, WORKSPACE = "artifacts", "workspace"
"""Folders, in the restored home, of contents and workspaces that were elsewhere."""
PLAIN_FOLDER = "the brain is a plain folder; its config/ is contained"
LEFT_OUT = "left out by the setting backup.leave_out"


@dataclass(frozen=True)
class BackupPlace:
    """Where a full backup is made.

    Attributes:
        storage: of the fleet.
        store: holds the objects.
        home: NERVESYS_HOME of this host; None for none.
        brain: opens the brain with its whole history; None if it is a plain folder.
        journal: URL of the receiver's journal; None for the default file.
        receiver: its local file, where that may lie outside the home.
    """

    storage: Storage
    store: ObjectStore
    home: Path | None = None
    brain: Callable[[], GitBrain | None] = lambda: None
    journal: str | None = None
    receiver: Path | None = None

    @property
    def cache(self) -> Path | None:
        """SQLite file of the contents that are known."""
        return self.home / "cache" / "backup.sqlite3" if self.home else None

    def contents(self) -> BackupContents:
        """Everything that this host can back up."""
        missing = dict.fromkeys(self.storage.backup.leave_out, LEFT_OUT)
        sources = [*store_sources(self.store, self.storage.storj.paths)]
        if "brain" not in missing and (brain := self.brain()) is not None:
            sources.insert(0, BackupSource("brain", partial(_bundle, brain)))
        else:
            missing.setdefault("brain", PLAIN_FOLDER)
        if self.home is None:
            missing = dict.fromkeys(("configuration", "secrets", "journal", "artifacts"), NOT_HERE) | missing
            return BackupContents(tuple(sources), missing, {"branch": self.storage.brain.branch})
        sources += self._home(self.home, missing)
        return BackupContents(tuple(sources), missing, self._header(self.home))

    def _home(self, home: Path, missing: dict[str, str]) -> Iterator[BackupSource]:
        artifacts = self.storage.artifacts
        outside = self.receiver if self.receiver and is_outside(home, str(self.receiver)) else None
        has_receiver = outside is not None and outside.exists()
        if not has_receiver and not any((home / name).exists() for name in MONITORING_FILES):
            missing.update(dict.fromkeys(("configuration", "secrets"), NOT_HERE) | missing)
        folders = {"workspaces": self.storage.workspace.path, "artifacts": artifacts.files}
        inside = {part: path for part, path in folders.items() if not is_outside(home, path)}
        named = {os.path.relpath(home / path, home).split("/")[0]: part for part, path in inside.items()}
        yield from home_sources(home, [part for part in HOME_PARTS if part not in missing], named)
        if outside and has_receiver and "configuration" not in missing:
            yield BackupSource("configuration", partial(_single, f"{HOME}receiver.yaml", outside))
        for part, name in zip(AGENTS_OWN, (WORKSPACE, CONTENTS), strict=True):
            if "://" not in folders[part] and is_outside(home, folders[part]):
                yield BackupSource(part, partial(folder_items, home / folders[part], f"{HOME}{name}", whole=True))
        if not self.storage.encryption.recipients and missing.get("secrets") != LEFT_OUT:
            missing["secrets"] = "encryption.recipients are not set; keep copies of NERVESYS_HOME/secrets and .env"
        manifests = artifacts.database.get_secret_value() if artifacts.database else None
        for part, url in {"journal": self.journal, "artifacts": manifests}.items():
            default = home / f"{part}.sqlite3"
            if url is not None and not url.startswith(SQLITE_URL):
                yield BackupSource(part, partial(_rows, part, url))
            elif url is not None and (path := Path(url.removeprefix(SQLITE_URL))) != default and path.exists():
                yield BackupSource(part, partial(_single, f"{HOME}{default.name}", path))
            elif not default.exists():
                missing.setdefault(part, NOT_HERE)
        if "://" in artifacts.files:
            yield BackupSource("artifacts", partial(_content_items, artifacts.files, self.storage))

    def _header(self, home: Path) -> dict[str, str]:
        storage = self.storage
        own, files = home / "s3" / storage.storj.bucket, storage.artifacts.files
        is_elsewhere = is_outside(home, files)
        return {
            "home": str(home),
            "store_folder": f"s3/{storage.storj.bucket}" if own.is_dir() else "store",
            "branch": storage.brain.branch,
            "artifacts_root": files if "://" in files else Path(os.path.normpath(home.absolute() / files)).as_uri(),
            "artifacts_folder": CONTENTS if is_elsewhere else files,
        }


def is_outside(home: Path, folder: str) -> bool:
    """Whether a folder of the settings, or a URL, is not within NERVESYS_HOME."""
    return "://" in folder or not Path(os.path.normpath(home / folder)).is_relative_to(os.path.normpath(home))


def backup_place(
    place: StartupSettings,
    storage: Storage,
    store: ObjectStore,
    journal: str | None = None,
    receiver: Path | None = None,
) -> BackupPlace:
    """What a host can back up; the brain is fetched with its whole history into a mirror of its own.

    Args:
        place: home and brain.
        storage: of the fleet.
        store: holds the objects.
        journal: URL of the receiver's journal; None for the default file.
        receiver: its local file, where that may lie outside the home.
    """
    brain = partial(open_brain, place, "backup", storage.brain)
    return BackupPlace(storage, store, place.home, brain, journal, receiver)


def _single(name: str, path: Path) -> Iterator[BackupItem]:
    yield file_item(name, path)


def _bundle(brain: GitBrain) -> Iterator[BackupItem]:
    with TemporaryDirectory(prefix="nervesys-bundle-") as folder:
        path = Path(folder) / BUNDLE
        write_bundle(brain, path)
        yield BackupItem(BUNDLE, lambda: path.open("rb"))


def _content_items(url: str, storage: Storage) -> Iterator[BackupItem]:
    """Contents of artifacts that are no folder of the home."""
    try:
        from nervesys.artifacts.files import ContentStorage, ContentUnavailable  # of another extra
    except ModuleNotFoundError as err:
        raise DatabaseUnavailable(f"it needs {err.name}: pip install 'nervesys-observability[artifacts]'") from None
    contents = ContentStorage(url, storage.storj)
    try:
        files = sorted(contents.all(), key=lambda file: file.uri)
    except ContentUnavailable as err:
        raise DatabaseUnavailable(str(err)) from err
    for file in files:
        name = f"{HOME}{CONTENTS}/{file.uri.removeprefix(contents.root).lstrip('/')}"
        yield BackupItem(
            name, partial(_open_content, contents, file.uri), f"{file.modified} {file.size}", file.modified
        )


@contextmanager
def _open_content(contents: "ContentStorage", uri: str) -> Iterator[IO[bytes]]:
    """Open a content of an artifact.

    Raises:
        OSError: this content cannot be read; FileNotFoundError where it was deleted meanwhile.
        DatabaseUnavailable: the bucket does not respond.
    """
    from nervesys.artifacts.files import ContentUnavailable  # of another extra

    try:
        with contents.open(uri) as content:
            yield content
    except ContentUnavailable as err:
        if isinstance(err.__cause__, OSError):
            raise err.__cause__ from None
        raise DatabaseUnavailable(str(err)) from err


def _rows(part: str, url: str) -> Iterator[BackupItem]:
    yield BackupItem(f"{ROWS}{part}.jsonl", partial(_open_rows, part, url))


@contextmanager
def _open_rows(part: str, url: str) -> Iterator[IO[bytes]]:
    try:
        from nervesys.database.read_only import ReadOnlyDatabase  # of another extra
        from nervesys.database.rows import dump_rows
    except ModuleNotFoundError as err:
        raise DatabaseUnavailable(f"it needs {err.name}: pip install 'nervesys-observability[artifacts]'") from None
    with TemporaryFile(prefix="nervesys-rows-") as body:
        try:
            with ReadOnlyDatabase(url, f"the database of the {part}").transaction() as connection:
                body.writelines(dump_rows(connection))
        except SourceError as err:
            raise DatabaseUnavailable(str(err)) from err
        body.seek(0)
        yield cast("IO[bytes]", body)

"""The last steps of a restore: rows into databases, artifacts at their new place, objects into the store."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from nervesys.agent.backup.index import checked_folder
from nervesys.agent.backup.items import HOME, ROWS, STORE
from nervesys.agent.backup.restore import RestoredBackup
from nervesys.contract import PathTemplate
from nervesys.errors import DatabaseUnavailable
from nervesys.plural import count
from nervesys.settings.storage import StorePaths, StoreSettings
from nervesys.stores.objects import ObjectStore

PROGRESS_EVERY_FILES = 1000


def rows_of(restored: RestoredBackup) -> dict[str, Path]:
    """Files with the rows of databases that were on a server, by part."""
    names = (name for name in restored.files if name.startswith(ROWS))
    return {Path(name).stem: restored.path(name) for name in names}


def move_artifacts(restored: RestoredBackup) -> int:
    """Let manifests name the contents at their new place; returns how many were changed."""
    header, database = restored.index.header, restored.folder / "artifacts.sqlite3"
    before = str(header.get("artifacts_root") or "")
    now = (restored.folder.absolute() / checked_folder(str(header.get("artifacts_folder") or "artifacts"))).as_uri()
    if not before.startswith("file://") or before == now or not database.exists():
        return 0
    with closing(sqlite3.connect(database)) as db, db:
        changed = db.execute(
            "UPDATE manifests SET uri = ? || substr(uri, ?) WHERE substr(uri, 1, ?) = ?",
            (f"{now}/", len(before) + 2, len(before) + 1, f"{before}/"),
        )
        return changed.rowcount


def upload_objects(
    restored: RestoredBackup, store: ObjectStore, paths: StorePaths, progress: Callable[[str], None]
) -> tuple[int, int]:
    """Put restored objects into a store, in the order of their keys; objects that exist are left as they are.

    Returns:
        How many were put, and how many exist already.

    Raises:
        StoreUnavailable: the store does not respond; the next call continues.
    """
    prefixes = {PathTemplate(text).prefix() for _, text in paths}
    existing = {info.key for prefix in prefixes for info in store.list(prefix).objects}
    keys = sorted(name.removeprefix(STORE) for name in restored.files if name.startswith(STORE))
    missing = [key for key in keys if key not in existing]
    for number, key in enumerate(missing, 1):
        with restored.path(f"{STORE}{key}").open("rb") as body:
            store.put(key, body)
        if number % PROGRESS_EVERY_FILES == 0:
            progress(f"{count(number, 'object')} of {len(missing)} so far")
    return len(missing), len(keys) - len(missing)


def upload_contents(restored: RestoredBackup, store: StoreSettings) -> tuple[int, int]:
    """Put contents of artifacts that were in a bucket back to it; those that exist are left as they are.

    Returns:
        How many were put, and how many exist already; none if they were in a folder, which `move_artifacts` covers.

    Raises:
        DatabaseUnavailable: the bucket does not respond, or a package is missing; the next call continues.
    """
    root = str(restored.index.header.get("artifacts_root") or "")
    if not root.startswith("s3://"):
        return 0, 0
    try:
        from nervesys.artifacts.files import ContentStorage, ContentUnavailable  # of another extra
    except ModuleNotFoundError as err:
        raise DatabaseUnavailable(f"it needs {err.name}: pip install 'nervesys-observability[artifacts]'") from None
    prefix = f"{HOME}{checked_folder(str(restored.index.header.get('artifacts_folder') or 'artifacts'))}/"
    names = sorted(name for name in restored.files if name.startswith(prefix))
    storage, put = ContentStorage(root, store), 0
    try:
        existing = {file.uri for file in storage.all()}
        for name in names:
            uri = f"{storage.root}/{name.removeprefix(prefix)}"
            if uri not in existing:
                with restored.path(name).open("rb") as content:
                    storage.put(uri, content)
                put += 1
    except ContentUnavailable as err:
        raise DatabaseUnavailable(str(err)) from err
    return put, len(names) - put

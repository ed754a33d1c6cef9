"""Verifies a restored backup: reads every file again, compares it with its checksum, and checks every database."""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import NamedTemporaryFile

from nervesys.agent.backup.items import SQLITE
from nervesys.agent.backup.restore import RestoredBackup
from nervesys.contract.paths import SEALED
from nervesys.errors import BadObject, BrainUnavailable, SettingsError
from nervesys.settings import FolderTree, load
from nervesys.stores.encryption import decrypt
from nervesys.stores.trees import check_configured


def find_problems(restored: RestoredBackup) -> Iterator[str]:
    """Verify restored files by reading them again from the disk; yields a message for each problem."""
    yield from restored.problems
    for name in restored.files:
        with restored.path(name).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if restored.index.sums.get(name) != digest:
            yield f"{name} does not match its checksum"
        try:
            if not _is_intact_database(restored.path(name)):
                yield f"{name} is a damaged database"
        except BadObject as bad:
            yield f"{name} cannot be decrypted: {bad.detail}"
    brain = FolderTree(restored.brain)
    try:
        check_configured(brain, "the backup")
        load(brain)
    except BrainUnavailable as err:
        yield str(err)
    except SettingsError as err:
        yield f"the brain's configuration is wrong: {err.mistakes[0]}"


def _is_intact_database(path: Path) -> bool:
    """Whether SQLite finds no problem; also true for a file that is not an SQLite database.

    Raises:
        BadObject: it is encrypted, and cannot be decrypted.
    """
    if path.name.endswith(SEALED):
        with NamedTemporaryFile(dir=path.parent) as plain, path.open("rb") as file:
            decrypt(file, plain, path.name)
            plain.flush()
            return _is_intact_database(Path(plain.name))
    with path.open("rb") as file:
        if file.read(len(SQLITE)) != SQLITE:
            return True
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
            return bool(db.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",))
    except sqlite3.DatabaseError:
        return False

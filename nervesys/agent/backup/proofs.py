"""Proves that each part of a restored backup can be used, not only that its bytes are the same.

Both branches of the brain are checked by `git fsck`, one artifact is compared with its manifest, one workspace is
replayed, one episode of the journal and one entry of the knowledge base are read.
"""

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile

from nervesys.agent.backup.collect import WORKSPACE, is_outside
from nervesys.agent.backup.index import checked_folder
from nervesys.agent.backup.items import ROWS, STORE
from nervesys.agent.backup.restore import REPOSITORY, RestoredBackup
from nervesys.contract import PathTemplate
from nervesys.errors import NervesysError
from nervesys.plural import count
from nervesys.settings.storage import Storage
from nervesys.stores.bundle import branch_tips, check_repository
from nervesys.stores.encryption import decrypt
from nervesys.stores.lines import lines_of
from nervesys.workspace.history import read_events
from nervesys.workspace.segments import Segments

HISTORY = re.compile(r"/history\.log\.gz(\.age)?$")
MAX_KNOWLEDGE_BYTES = 256 << 20
NEWEST_ARTIFACT = (
    "SELECT uri, checksum FROM manifests WHERE status = 'completed' AND uri LIKE ? || '%' ORDER BY created_at DESC"
)
NEWEST_EPISODE = "SELECT id, agent, action, state FROM episodes ORDER BY id DESC LIMIT 1"


def prove(restored: RestoredBackup, storage: Storage) -> Iterator[tuple[str, bool]]:
    """Prove each part; yields a line for each, and whether it holds.

    Args:
        restored: the backup.
        storage: paths of the store's areas, and of workspaces.
    """
    parts: dict[str, Callable[[], str | None]] = {
        "brain": lambda: _prove_brain(restored.folder / REPOSITORY),
        "knowledge": lambda: _prove_knowledge(restored, storage),
        "workspaces": lambda: _prove_workspace(restored, storage),
        "artifacts": lambda: _prove_artifact(restored),
        "journal": lambda: _prove_episode(restored),
    }
    missing = restored.index.header.get("missing") or {}
    for part, proof in parts.items():
        if part in missing:
            yield f"{part}: not contained: {missing[part]}", True
            continue
        try:
            yield f"{part}: {proof() or 'nothing in it'}", True
        except (NervesysError, OSError, sqlite3.Error, ValueError) as err:
            yield f"{part}: {err}", False


def _prove_brain(repository: Path) -> str | None:
    if not repository.exists():
        return None
    check_repository(repository)
    tips = branch_tips(repository)
    return f"every object of {', '.join(f'{name} ({tip[:12]})' for name, tip in sorted(tips.items()))} checked"


def _prove_knowledge(restored: RestoredBackup, storage: Storage) -> str | None:
    paths = storage.storj.paths
    for template in map(PathTemplate, (paths.shared, paths.knowledge)):
        for name in restored.files:
            if name.startswith(STORE) and template.parse(name.removeprefix(STORE).removesuffix(".age")) is not None:
                with restored.path(name).open("rb") as body, TemporaryFile() as plain:
                    decrypt(body, plain, name)
                    plain.seek(0)
                    tree = json.loads(plain.read(MAX_KNOWLEDGE_BYTES))
                first = next(iter(tree), None)
                return f"{name} read, {count(len(tree), 'entry', 'entries')}" + (f", such as {first}" if first else "")
    return None


def _prove_workspace(restored: RestoredBackup, storage: Storage) -> str | None:
    root = restored.folder / (
        WORKSPACE if is_outside(restored.folder, storage.workspace.path) else storage.workspace.path
    )
    for project in sorted(root.iterdir()) if root.is_dir() else ():
        if (project / "history.log").exists():
            events = sum(1 for _ in read_events(Segments(project, "history")))
            return f"{project.name} replayed, {count(events, 'event')}"
    for name in restored.files:
        if HISTORY.search(name):
            with restored.path(name).open("rb") as body:
                events = sum(bool(json.loads(line)) for line in lines_of(body, name))
            return f"{name} replayed, {count(events, 'event')}"
    return None


def _prove_artifact(restored: RestoredBackup) -> str | None:
    database, root = restored.folder / "artifacts.sqlite3", str(restored.index.header.get("artifacts_root") or "")
    if not database.exists() or not root:
        return None
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
        found = db.execute(NEWEST_ARTIFACT, (root,)).fetchall()
    lost = [uri for uri, _ in found if not _content(restored, root, uri).exists()]
    if lost:
        raise NervesysError(f"{count(len(lost), 'content')} of {len(found)} missing, such as {lost[0]}")
    for uri, checksum in islice(found, 1):
        with _content(restored, root, uri).open("rb") as content:
            if hashlib.file_digest(content, "sha256").hexdigest() != checksum:
                raise NervesysError(f"{uri} does not match its manifest")
    return f"{count(len(found), 'content')} of manifests present, the newest opened" if found else None


def _content(restored: RestoredBackup, root: str, uri: str) -> Path:
    folder = checked_folder(str(restored.index.header.get("artifacts_folder") or "artifacts"))
    return restored.folder / folder / uri.removeprefix(root).lstrip("/")


def _prove_episode(restored: RestoredBackup) -> str | None:
    database, rows = restored.folder / "journal.sqlite3", restored.path(f"{ROWS}journal.jsonl")
    if rows.exists():
        return _prove_rows(rows)
    if not database.exists():
        return None
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
        (episodes,) = db.execute("SELECT count(*) FROM episodes").fetchone()
        newest = db.execute(NEWEST_EPISODE).fetchone()
    if newest is None:
        return "opened, no episode yet"
    return f"{count(episodes, 'episode')}, the newest is {newest[0]}: {newest[2]} of {newest[1]}, {newest[3]}"


def _prove_rows(rows: Path) -> str:
    numbers: dict[str, int] = {}
    table = ""
    with rows.open("rb") as lines:
        for line in lines:
            record = json.loads(line)
            if isinstance(record, dict):
                table = str(record["table"])
                numbers[table] = 0
            else:
                numbers[table] += 1
    if "episodes" not in numbers:
        raise NervesysError(f"{rows.name} has no table of episodes")
    return f"{count(numbers['episodes'], 'episode')} among {count(sum(numbers.values()), 'row')}"

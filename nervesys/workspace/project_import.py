"""Imports what a project folder of another program keeps as numbered files, once; they stay as they are.

Reads   `versions/ver-*.json` and `snapshots/snap-*.json`; see `nervesys.workspace.numbered_files`.
Writes  versions and snapshots with their own times; `imported.json`, the names of what was imported.
Errors  a file that cannot be read is left alone and logged; the next start tries it again.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import orjson

from nervesys.contract.ulid import UlidGenerator, creation_time
from nervesys.errors import NervesysError
from nervesys.file_lock import FileLock
from nervesys.plural import count
from nervesys.workspace import disk
from nervesys.workspace.contents import Contents
from nervesys.workspace.files import Files
from nervesys.workspace.numbered_files import NumberedFile, NumberedFiles
from nervesys.workspace.snapshots import SnapshotKind, Snapshots
from nervesys.workspace.versions import NAME

log = logging.getLogger(__name__)

VERSIONS, SNAPSHOTS = "versions/ver-*.json", "snapshots/snap-*.json"
IMPORTED = "imported.json"
MOST_FILES, MOST_BYTES = 10_000, 1 << 30
"""Of one import: an agent waits for it at its start."""
LOGGED = 20
"""Files that cannot be imported are logged each, up to so many; the others are counted."""


def import_project(folder: Path, files: Files, snapshots: Snapshots) -> int:
    """Import the numbered files of a project that are new; returns how many.

    Args:
        folder: of the project.
        files: get the versions.
        snapshots: get the snapshots.

    Raises:
        NervesysError: the disk cannot be written.
    """
    if not _pending(folder, set()):
        return 0
    with disk.describe_os_errors(f"import {folder}"), FileLock(folder / "import.lock"):
        done = _done(folder)
        pending = _pending(folder, done)
        parsed = dict(_parse(folder, pending))
        if not parsed:
            return 0
        files.add_earlier(file for numbered in parsed.values() for file in numbered.files)
        for name, numbered in parsed.items():
            if name.startswith("snapshots/"):
                _make_snapshot(numbered, files, snapshots)
        disk.replace(folder / IMPORTED, orjson.dumps(sorted({*done, *parsed}), option=orjson.OPT_INDENT_2))
        log.info("imported %s of %s", count(len(parsed), "file"), folder)
        return len(parsed)


def _pending(folder: Path, done: set[str]) -> list[Path]:
    """The numbered files that are not imported, versions first."""
    found = [path for pattern in (VERSIONS, SNAPSHOTS) for path in sorted(folder.glob(pattern))]
    return [path for path in found if path.relative_to(folder).as_posix() not in done]


def _done(folder: Path) -> set[str]:
    with suppress(FileNotFoundError, orjson.JSONDecodeError):
        names = orjson.loads((folder / IMPORTED).read_bytes())
        return {str(name) for name in names} if isinstance(names, list) else set()
    return set()


def _parse(folder: Path, pending: list[Path]) -> Iterator[tuple[str, NumberedFile]]:
    """What can be read, by name; what cannot is logged."""
    reader = NumberedFiles(folder / "files", Contents(folder / NAME / "contents"))
    failed = taken = 0
    for number, path in enumerate(pending):
        name = path.relative_to(folder).as_posix()
        try:
            taken += path.lstat().st_size
            _check_room(number, taken)
            yield name, reader.read(path)
        except (OSError, NervesysError) as err:
            failed += 1
            if failed <= LOGGED:
                log.warning("leave %s as it is: %s", path, err)
    if failed > LOGGED:
        log.warning("leave %s more of %s as they are", count(failed - LOGGED, "file"), folder)


def _check_room(files: int, size: int) -> None:
    if files >= MOST_FILES or size > MOST_BYTES:
        raise NervesysError(f"at most {MOST_FILES} files and {MOST_BYTES >> 20} MB are imported at a time")


def _make_snapshot(numbered: NumberedFile, files: Files, snapshots: Snapshots) -> None:
    """Make a snapshot unless it is there, as after an import that was interrupted."""
    stamp = UlidGenerator(lambda: numbered.at).next()
    for id_ in snapshots.ids():
        with suppress(NervesysError):  # a damaged snapshot is none
            if creation_time(id_) == creation_time(stamp.id) and snapshots.get(id_).label == numbered.label:
                return
    wanted: Mapping[str, str | None] = {file.path: file.hash for file in numbered.files}
    found = [
        max(same, key=lambda version: (version.timestamp <= stamp.timestamp, version.timestamp))
        for path, hash_ in wanted.items()
        if hash_ and (same := [version for version in files.history(path) if version.hash == hash_])
    ]
    snapshots.make(stamp, SnapshotKind.DEMAND, numbered.label, found)

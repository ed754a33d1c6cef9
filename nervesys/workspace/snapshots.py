"""Snapshots: the version of each file at one instant. They refer to contents without copying them."""

import re
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from nervesys.contract import parse_time
from nervesys.contract.ulid import PATTERN, TimedId, creation_time
from nervesys.errors import BadObject, NervesysError, Reason
from nervesys.workspace import disk
from nervesys.workspace.versions import Version


class SnapshotKind(StrEnum):
    """Why a snapshot was made."""

    DEMAND = "demand"
    TASK = "task"
    MILESTONE = "milestone"
    END = "end"


class Snapshot(NamedTuple):
    """The files at one instant.

    Attributes:
        id: a ULID.
        kind: why it was made.
        label: a short description.
        timestamp: RFC 3339, UTC.
        files: their versions, by path.
    """

    id: str
    kind: SnapshotKind
    label: str
    timestamp: str
    files: dict[str, Version]


class Snapshots:
    """The snapshots of one project, one file each.

    Args:
        folder: their folder; created with the first one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def make(self, stamp: TimedId, kind: SnapshotKind, label: str, files: Iterable[Version]) -> Snapshot:
        """Store a snapshot of these versions."""
        made = Snapshot(stamp.id, kind, label, stamp.timestamp, {version.path: version for version in files})
        fields = {**made._asdict(), "files": {path: version._asdict() for path, version in made.files.items()}}
        with disk.describe_os_errors(f"make snapshot {made.id}"):
            disk.replace(self._folder / f"{made.id}.json", orjson.dumps(fields))
        return made

    def get(self, id_: str) -> Snapshot:
        """One snapshot.

        Raises:
            NervesysError: it does not exist, or is damaged.
        """
        if id_ not in self.ids():
            raise NervesysError(f"find snapshot {id_}: there is none")
        try:
            return parse_snapshot((self._folder / f"{id_}.json").read_bytes())
        except BadObject as bad:
            raise NervesysError(f"read snapshot {id_}: {bad}") from bad

    def ids(self) -> list[str]:
        """The ids of all snapshots, oldest first; files of other programs are none."""
        return sorted(file.stem for file in self._folder.glob("*.json") if re.fullmatch(PATTERN, file.stem))

    def list(self) -> list[Snapshot]:
        """All snapshots, oldest first.

        Raises:
            NervesysError: one is damaged.
        """
        return [self.get(id_) for id_ in self.ids()]

    def clean(self, oldest: float | None, count: int | None) -> int:
        """Delete snapshots that are too old or too many, never the newest; returns how many."""
        newest_first = enumerate(reversed(self.list()))
        expired = [
            snapshot.id
            for age_rank, snapshot in newest_first
            if age_rank
            and (
                (count is not None and age_rank >= count)
                or (oldest is not None and parse_time(snapshot.timestamp) < oldest)
            )
        ]
        with disk.describe_os_errors("clean up snapshots"):
            for id_ in expired:
                (self._folder / f"{id_}.json").unlink(missing_ok=True)
        return len(expired)

    def expire(self, oldest: float | None, count: int | None) -> int:
        """Delete snapshots that were made by themselves and are too old or too many, never the newest.

        Milestones, and snapshots that were asked for, stay; so does one that cannot be read.

        Args:
            oldest: Unix seconds; None for no limit.
            count: keep this many; None for no limit.

        Returns:
            How many were deleted.
        """
        ids = self.ids()
        expired = 0
        for rank, id_ in enumerate(reversed(ids[:-1]), 1):
            too_old = oldest is not None and creation_time(id_) < oldest
            if (too_old or (count is not None and rank >= count)) and self._is_automatic(id_):
                (self._folder / f"{id_}.json").unlink(missing_ok=True)
                expired += 1
        return expired

    def _is_automatic(self, id_: str) -> bool:
        try:
            return self.get(id_).kind in (SnapshotKind.TASK, SnapshotKind.END)
        except NervesysError:
            return False


def parse_snapshot(body: bytes) -> Snapshot:
    """Parse a snapshot's file.

    Raises:
        BadObject: it is not a valid snapshot.
    """
    try:
        fields: dict[str, Any] = orjson.loads(body)
        files = {path: Version(**version) for path, version in fields.pop("files").items()}
        return Snapshot(**{**fields, "kind": SnapshotKind(fields["kind"])}, files=files)
    except orjson.JSONDecodeError as err:
        raise BadObject(Reason.BAD_JSON, str(err)) from err
    except (AttributeError, KeyError, TypeError, ValueError) as err:
        raise BadObject(Reason.BAD_VALUE, f"no snapshot: {err}") from err

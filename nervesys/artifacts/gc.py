"""Garbage collection of artifacts: those past their retention, abandoned uploads, and files without a manifest.

The manifest is deleted first, and its content only after that is committed. A crash in between leaves a file without a
manifest, which the next run deletes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydantic import BaseModel
from sqlalchemy import Connection, or_, select

from nervesys.artifacts.files import Found
from nervesys.artifacts.manifest import Status
from nervesys.artifacts.registry import mark_deleted
from nervesys.artifacts.tables import manifests
from nervesys.settings.storage import ArtifactsSettings

DAY, HOUR = 86_400, 3600


class Going(BaseModel):
    """One item to delete.

    Attributes:
        why: `expired`, `given up` or `orphan`.
        id: of the artifact; None for a file without a manifest.
    """

    why: str
    uri: str
    size: int
    id: str | None = None


class Plan(BaseModel):
    """What one run deletes.

    Attributes:
        going: the items, at most as many as one run may delete.
        left: how many more are left for the next run.
    """

    going: tuple[Going, ...]
    left: int


@dataclass(frozen=True)
class Limits:
    """What decides whether an item may be deleted.

    Attributes:
        now: Unix seconds.
        said: the settings.
    """

    now: float
    said: ArtifactsSettings


def due(connection: Connection, limits: Limits) -> list[Going]:
    """Artifacts past their retention, and abandoned uploads; oldest first."""
    here, given_up = manifests.c, limits.now - limits.said.upload_hours * HOUR
    asked = select(here.id, here.status, here.uri, here.size_bytes).where(
        or_(
            (here.status == Status.COMPLETED) & (here.expires_at < limits.now),
            (here.status == Status.UPLOADING) & (here.created_at < given_up),
        )
    )
    rows = connection.execute(asked.order_by(here.id)).all()
    why = {Status.COMPLETED: "expired", Status.UPLOADING: "given up"}
    return [Going(why=why[Status(row.status)], uri=row.uri, size=row.size_bytes, id=row.id) for row in rows]


def planned(connection: Connection, listed: Iterable[Found], limits: Limits) -> Plan:
    """What a run would delete.

    Args:
        connection: reads the manifests.
        listed: all files, listed before the manifests are read.
        limits: what decides.
    """
    found = [*due(connection, limits), *_orphans(connection, listed, limits)]
    most = limits.said.delete_at_most
    return Plan(going=tuple(found[:most]), left=max(0, len(found) - most))


def _orphans(connection: Connection, listed: Iterable[Found], limits: Limits) -> Iterator[Going]:
    """Files without a manifest that are too old for one still to be registered."""
    before = limits.now - limits.said.orphan_days * DAY
    old = [file for file in listed if file.modified < before]
    known = set(connection.execute(select(manifests.c.uri).where(manifests.c.status != Status.DELETED)).scalars())
    for file in old:
        if file.uri not in known:
            yield Going(why="orphan", uri=file.uri, size=file.size)


def forget(connection: Connection, plan: Plan) -> list[str]:
    """Mark the artifacts of a plan as deleted; returns the URIs to delete once that is committed.

    What changed since the plan was made is kept: an upload that was completed, a file that got its manifest.
    """
    gone = [one.uri for one in plan.going if one.id and mark_deleted(connection, one.id, _expected(one))]
    lonely = [one.uri for one in plan.going if one.id is None]
    known = select(manifests.c.id).where(manifests.c.status != Status.DELETED)
    return gone + [uri for uri in lonely if not connection.execute(known.where(manifests.c.uri == uri)).first()]


def _expected(one: Going) -> Status:
    return Status.COMPLETED if one.why == "expired" else Status.UPLOADING

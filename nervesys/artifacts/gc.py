"""Garbage collection of artifacts: those past their retention, abandoned uploads, and files without a manifest.

The manifest is deleted first, and its content only after that is committed. A crash in between leaves a file without a
manifest, which the next run deletes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydantic import BaseModel
from sqlalchemy import Connection, or_, select

from nervesys.artifacts.files import StoredFile
from nervesys.artifacts.manifest import ArtifactStatus
from nervesys.artifacts.registry import mark_deleted
from nervesys.artifacts.tables import manifests
from nervesys.settings.storage import ArtifactsSettings

DAY, HOUR = 86_400, 3600


class Deletion(BaseModel):
    """A content to delete.

    Attributes:
        why: `expired`, `given up` or `orphan`.
        id: of the artifact; None for a file without a manifest.
    """

    why: str
    uri: str
    size: int
    id: str | None = None


class GcPlan(BaseModel):
    """What item run deletes.

    Attributes:
        going: the items, at most as many as item run may delete.
        left: how many more are left for the next run.
    """

    going: tuple[Deletion, ...]
    left: int


@dataclass(frozen=True)
class GcLimits:
    """What decides whether an item may be deleted.

    Attributes:
        now: Unix seconds.
        settings: limits on age and number.
    """

    now: float
    settings: ArtifactsSettings


def list_due(connection: Connection, limits: GcLimits) -> list[Deletion]:
    """Artifacts past their retention, and abandoned uploads; oldest first."""
    here, uploads_before = manifests.c, limits.now - limits.settings.upload_hours * HOUR
    query = select(here.id, here.status, here.uri, here.size_bytes).where(
        or_(
            (here.status == ArtifactStatus.COMPLETED) & (here.expires_at < limits.now),
            (here.status == ArtifactStatus.UPLOADING) & (here.created_at < uploads_before),
        )
    )
    rows = connection.execute(query.order_by(here.id)).all()
    why = {ArtifactStatus.COMPLETED: "expired", ArtifactStatus.UPLOADING: "given up"}
    return [Deletion(why=why[ArtifactStatus(row.status)], uri=row.uri, size=row.size_bytes, id=row.id) for row in rows]


def make_plan(connection: Connection, listed: Iterable[StoredFile], limits: GcLimits) -> GcPlan:
    """What a run would delete.

    Args:
        connection: reads the manifests.
        listed: all files, listed before the manifests are read.
        limits: what decides.
    """
    found = [*list_due(connection, limits), *_list_orphans(connection, listed, limits)]
    most = limits.settings.delete_at_most
    return GcPlan(going=tuple(found[:most]), left=max(0, len(found) - most))


def _list_orphans(connection: Connection, listed: Iterable[StoredFile], limits: GcLimits) -> Iterator[Deletion]:
    """Files without a manifest that are too old for item still to be registered."""
    before = limits.now - limits.settings.orphan_days * DAY
    old = [file for file in listed if file.modified < before]
    known = set(
        connection.execute(select(manifests.c.uri).where(manifests.c.status != ArtifactStatus.DELETED)).scalars()
    )
    for file in old:
        if file.uri not in known:
            yield Deletion(why="orphan", uri=file.uri, size=file.size)


def delete_manifests(connection: Connection, plan: GcPlan) -> list[str]:
    """Mark the artifacts of a plan as deleted; returns the URIs to delete once that is committed.

    What changed since the plan was made is kept: an upload that was completed, a file that got its manifest.
    """
    deleted = [item.uri for item in plan.going if item.id and mark_deleted(connection, item.id, _expected_status(item))]
    orphans = [item.uri for item in plan.going if item.id is None]
    known = select(manifests.c.id).where(manifests.c.status != ArtifactStatus.DELETED)
    return deleted + [uri for uri in orphans if not connection.execute(known.where(manifests.c.uri == uri)).first()]


def _expected_status(item: Deletion) -> ArtifactStatus:
    return ArtifactStatus.COMPLETED if item.why == "expired" else ArtifactStatus.UPLOADING

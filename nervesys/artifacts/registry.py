"""Operations on manifests, each a function of one transaction.

A refusal is returned and not raised: several operations share one commit, and an exception would roll back all of them.
A refused operation has to_row nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, insert, select, update

from nervesys.artifacts.access import may_act_for, may_read
from nervesys.artifacts.manifest import ArtifactContext, ArtifactStatus, Manifest
from nervesys.artifacts.tables import manifests
from nervesys.artifacts.tokens import Caller
from nervesys.artifacts.traces import join_trace
from nervesys.metrics.body import HttpRefused

NEXT = select(func.coalesce(func.max(manifests.c.change), 0) + 1).scalar_subquery()
"""The number of the next change."""
FIELDS = tuple(name for name in Manifest.model_fields if name != "manifest")
_COLUMNS = [manifests.c[name] for name in FIELDS]
_INSERT = insert(manifests).values(registered=NEXT, change=NEXT)
_BY_ID = select(*_COLUMNS).where(manifests.c.id == bindparam("id_"))
_SET = (
    update(manifests)
    .where(manifests.c.id == bindparam("id_"), manifests.c.status != ArtifactStatus.DELETED)
    .values(status=bindparam("new_status"), change=NEXT)
)


@dataclass(frozen=True)
class ManifestFilter:
    """Which manifests to list; None means any.

    Attributes:
        after: id after which to continue.
        limit: how many at most, in the order of their ids, which is the order of time.
    """

    trace: str | None = None
    artifact_type: str | None = None
    status: str | None = None
    after: str = ""
    limit: int = 100


def register(connection: Connection, caller: Caller, manifest: Manifest) -> Manifest | HttpRefused:
    """Insert a manifest. Idempotent; a manifest that was `uploading` may become `completed`.

    Args:
        connection: of an exclusive transaction.
        caller: the caller.
        manifest: its content is in place, unless it is still uploading.
    """
    if not may_act_for(caller, manifest.created_by):
        return HttpRefused(
            HTTPStatus.FORBIDDEN, "forbidden", f"created_by: you are {caller.name}, not {manifest.created_by}"
        )
    row = connection.execute(_BY_ID, {"id_": manifest.id}).one_or_none()
    if row:
        return _register_again(connection, from_row(row), manifest)
    if manifest.status is ArtifactStatus.DELETED:
        return _conflict("a deleted artifact cannot be registered")
    refusal = (
        _check_version(connection, caller, manifest)
        or _check_uri(connection, manifest)
        or join_trace(connection, caller, manifest.trace_id, manifest.created_at)
    )
    if refusal:
        return refusal
    connection.execute(_INSERT, to_row(manifest))
    return manifest


def _check_uri(connection: Connection, manifest: Manifest) -> HttpRefused | None:
    """Refuse a place that another artifact has: contents never change."""
    other = connection.execute(select(manifests.c.id).where(manifests.c.uri == manifest.uri)).scalar()
    return _conflict(f"uri: it is that of {other}") if other else None


def complete(connection: Connection, caller: Caller, id_: str) -> Manifest | HttpRefused:
    """Mark an artifact as completed: its content is in place."""
    found = find(connection, caller, id_)
    if isinstance(found, HttpRefused):
        return found
    if not may_act_for(caller, found.created_by):
        return HttpRefused(HTTPStatus.FORBIDDEN, "forbidden", f"{found.created_by} made it, not {caller.name}")
    return _complete(connection, found)


def delete(connection: Connection, caller: Caller, id_: str) -> Manifest | HttpRefused:
    """Mark an artifact as deleted; the caller deletes its content after the commit."""
    if not caller.admin:
        return HttpRefused(HTTPStatus.FORBIDDEN, "forbidden", "only the administrator may delete")
    found = find(connection, caller, id_)
    if isinstance(found, HttpRefused):
        return found
    connection.execute(_SET, {"id_": id_, "new_status": ArtifactStatus.DELETED})
    return found


def mark_deleted(connection: Connection, id_: str, status: ArtifactStatus) -> bool:
    """Mark an artifact as deleted if it still has this status; returns whether it had."""
    row = connection.execute(_BY_ID, {"id_": id_}).one_or_none()
    if row is None or row.status != status:
        return False
    connection.execute(_SET, {"id_": id_, "new_status": ArtifactStatus.DELETED})
    return True


def find(connection: Connection, caller: Caller, id_: str) -> Manifest | HttpRefused:
    """One manifest; not found if the caller may not see it."""
    row = connection.execute(_visible(caller).where(manifests.c.id == id_)).one_or_none()
    return from_row(row) if row else HttpRefused(HTTPStatus.NOT_FOUND, "not_found", f"there is no artifact {id_}")


def list_manifests(connection: Connection, caller: Caller, wanted: ManifestFilter) -> list[Manifest]:
    """The manifests that match a filter and that the caller may see."""
    query = _visible(caller).where(manifests.c.id > wanted.after).order_by(manifests.c.id).limit(wanted.limit)
    for column, value in (
        (manifests.c.trace_id, wanted.trace),
        (manifests.c.artifact_type, wanted.artifact_type),
        (manifests.c.status, wanted.status),
    ):
        query = query if value is None else query.where(column == value)
    return [from_row(row) for row in connection.execute(query)]


def from_row(row: Row[Any]) -> Manifest:
    """A manifest from its row."""
    fields = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's documented access by name
    return Manifest(**{**fields, "context": ArtifactContext.model_validate_json(fields["context"])})


def columns() -> Sequence[Any]:
    """The columns that `from_row` wants."""
    return _COLUMNS


def to_row(manifest: Manifest) -> dict[str, Any]:
    """A manifest as a row."""
    fields = {name: getattr(manifest, name) for name in FIELDS}
    return {**fields, "context": manifest.context.model_dump_json(), "expires_at": manifest.expires_at}


def _visible(caller: Caller) -> Select[Any]:
    return select(*_COLUMNS).where(may_read(caller), manifests.c.status != ArtifactStatus.DELETED)


def _register_again(connection: Connection, before: Manifest, manifest: Manifest) -> Manifest | HttpRefused:
    if before.status is ArtifactStatus.DELETED:
        return HttpRefused(HTTPStatus.GONE, "gone", f"{manifest.id} was deleted")
    if not before.same(manifest):
        return _conflict(f"{manifest.id} is registered already with other values; manifests do not change")
    return _complete(connection, before) if manifest.status is ArtifactStatus.COMPLETED else before


def _complete(connection: Connection, before: Manifest) -> Manifest:
    if before.status is ArtifactStatus.UPLOADING:
        connection.execute(_SET, {"id_": before.id, "new_status": ArtifactStatus.COMPLETED})
    return before.model_copy(update={"status": ArtifactStatus.COMPLETED})


def _check_version(connection: Connection, caller: Caller, manifest: Manifest) -> HttpRefused | None:
    """The problem with the version that it supersedes, if there is one."""
    if manifest.supersedes is None:
        return None
    before = find(connection, caller, manifest.supersedes)
    if isinstance(before, HttpRefused):
        return _conflict(f"supersedes: {before}")
    if before.version != manifest.version - 1:
        return _conflict(f"version: {manifest.version} does not follow {before.version} of {before.id}")
    return None


def _conflict(why: str) -> HttpRefused:
    return HttpRefused(HTTPStatus.CONFLICT, "conflict", why)

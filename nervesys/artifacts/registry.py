"""Operations on manifests, each a function of one transaction.

A refusal is returned and not raised: several operations share one commit, and an exception would roll back all of them.
A refused operation has written nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, insert, select, update

from nervesys.artifacts.access import may_read, may_speak_for
from nervesys.artifacts.manifest import Context, Manifest, Status
from nervesys.artifacts.tables import manifests
from nervesys.artifacts.tokens import Caller
from nervesys.artifacts.traces import join
from nervesys.metrics.body import Refused

NEXT = select(func.coalesce(func.max(manifests.c.change), 0) + 1).scalar_subquery()
"""The number of the next change."""
FIELDS = tuple(name for name in Manifest.model_fields if name != "manifest")
_COLUMNS = [manifests.c[name] for name in FIELDS]
_INSERT = insert(manifests).values(registered=NEXT, change=NEXT)
_BY_ID = select(*_COLUMNS).where(manifests.c.id == bindparam("id_"))
_SET = (
    update(manifests)
    .where(manifests.c.id == bindparam("id_"), manifests.c.status != Status.DELETED)
    .values(status=bindparam("new_status"), change=NEXT)
)


@dataclass(frozen=True)
class Filter:
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


def register(connection: Connection, who: Caller, said: Manifest) -> Manifest | Refused:
    """Insert a manifest. Idempotent; a manifest that was `uploading` may become `completed`.

    Args:
        connection: of an exclusive transaction.
        who: the caller.
        said: the manifest; its content is in place, unless it is still uploading.
    """
    if not may_speak_for(who, said.created_by):
        return Refused(HTTPStatus.FORBIDDEN, "forbidden", f"created_by: you are {who.name}, not {said.created_by}")
    row = connection.execute(_BY_ID, {"id_": said.id}).one_or_none()
    if row:
        return _again(connection, read(row), said)
    if said.status is Status.DELETED:
        return _conflict("what is deleted cannot be registered")
    wrong = _follows(connection, who, said) or join(connection, who, said.trace_id, said.created_at)
    if wrong:
        return wrong
    connection.execute(_INSERT, written(said))
    return said


def complete(connection: Connection, who: Caller, id_: str) -> Manifest | Refused:
    """Mark an artifact as completed: its content is in place."""
    found = find(connection, who, id_)
    if isinstance(found, Refused):
        return found
    if not may_speak_for(who, found.created_by):
        return Refused(HTTPStatus.FORBIDDEN, "forbidden", f"{found.created_by} made it, not {who.name}")
    return _completed(connection, found)


def delete(connection: Connection, who: Caller, id_: str) -> Manifest | Refused:
    """Mark an artifact as deleted; the caller deletes its content after the commit."""
    if not who.admin:
        return Refused(HTTPStatus.FORBIDDEN, "forbidden", "only the administrator deletes")
    found = find(connection, who, id_)
    if isinstance(found, Refused):
        return found
    connection.execute(_SET, {"id_": id_, "new_status": Status.DELETED})
    return found


def mark_deleted(connection: Connection, id_: str, status: Status) -> bool:
    """Mark an artifact as deleted if it still has this status; returns whether it had."""
    row = connection.execute(_BY_ID, {"id_": id_}).one_or_none()
    if row is None or row.status != status:
        return False
    connection.execute(_SET, {"id_": id_, "new_status": Status.DELETED})
    return True


def find(connection: Connection, who: Caller, id_: str) -> Manifest | Refused:
    """One manifest; not found if the caller may not see it."""
    row = connection.execute(_visible(who).where(manifests.c.id == id_)).one_or_none()
    return read(row) if row else Refused(HTTPStatus.NOT_FOUND, "not_found", f"there is no artifact {id_}")


def listing(connection: Connection, who: Caller, asked: Filter) -> list[Manifest]:
    """The manifests that match a filter and that the caller may see."""
    query = _visible(who).where(manifests.c.id > asked.after).order_by(manifests.c.id).limit(asked.limit)
    for column, value in (
        (manifests.c.trace_id, asked.trace),
        (manifests.c.artifact_type, asked.artifact_type),
        (manifests.c.status, asked.status),
    ):
        query = query if value is None else query.where(column == value)
    return [read(row) for row in connection.execute(query)]


def read(row: Row[Any]) -> Manifest:
    """A manifest from its row."""
    fields = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's documented access by name
    return Manifest(**{**fields, "context": Context.model_validate_json(fields["context"])})


def columns() -> Sequence[Any]:
    """The columns that `read` wants."""
    return _COLUMNS


def written(said: Manifest) -> dict[str, Any]:
    """A manifest as a row."""
    fields = {name: getattr(said, name) for name in FIELDS}
    return {**fields, "context": said.context.model_dump_json(), "expires_at": said.expires_at}


def _visible(who: Caller) -> Select[Any]:
    return select(*_COLUMNS).where(may_read(who), manifests.c.status != Status.DELETED)


def _again(connection: Connection, before: Manifest, said: Manifest) -> Manifest | Refused:
    if before.status is Status.DELETED:
        return Refused(HTTPStatus.GONE, "gone", f"{said.id} was deleted")
    if not before.same(said):
        return _conflict(f"{said.id} is registered already with other values; manifests do not change")
    return _completed(connection, before) if said.status is Status.COMPLETED else before


def _completed(connection: Connection, before: Manifest) -> Manifest:
    if before.status is Status.UPLOADING:
        connection.execute(_SET, {"id_": before.id, "new_status": Status.COMPLETED})
    return before.model_copy(update={"status": Status.COMPLETED})


def _follows(connection: Connection, who: Caller, said: Manifest) -> Refused | None:
    """The problem with the version that it supersedes, if there is one."""
    if said.supersedes is None:
        return None
    before = find(connection, who, said.supersedes)
    if isinstance(before, Refused):
        return _conflict(f"supersedes: {before}")
    if before.version != said.version - 1:
        return _conflict(f"version: {said.version} does not follow {before.version} of {before.id}")
    return None


def _conflict(why: str) -> Refused:
    return Refused(HTTPStatus.CONFLICT, "conflict", why)

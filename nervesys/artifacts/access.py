"""Access control: which manifests and traces a caller may see, and what it may do. Decided here only."""

from sqlalchemy import ColumnElement, Connection, bindparam, exists, or_, select, true

from nervesys.artifacts.manifest import Visibility
from nervesys.artifacts.tables import manifests, members, traces
from nervesys.artifacts.tokens import Caller

_MEMBER = select(members.c.agent).where(members.c.trace_id == bindparam("trace"), members.c.agent == bindparam("name"))


def may_read(who: Caller) -> ColumnElement[bool]:
    """SQL condition: the manifests that a caller may see. Every query of manifests uses it."""
    if who.admin:
        return true()
    here = manifests.c
    member = exists().where(members.c.trace_id == here.trace_id, members.c.agent == who.name)
    return or_(
        here.visibility == Visibility.PUBLIC,
        here.owner == who.name,
        here.created_by == who.name,
        (here.visibility == Visibility.TRACE) & member,
    )


def takes_part(who: Caller) -> ColumnElement[bool]:
    """SQL condition: the traces that a caller may see and add to. Every query of traces uses it."""
    if who.admin:
        return true()
    return exists().where(members.c.trace_id == traces.c.id, members.c.agent == who.name)


def is_member(connection: Connection, who: Caller, trace: str) -> bool:
    """Whether a caller takes part in one trace; the same rule as `takes_part`."""
    return who.admin or connection.execute(_MEMBER, {"trace": trace, "name": who.name}).first() is not None


def may_speak_for(who: Caller, agent: str) -> bool:
    """Whether a caller may register artifacts, or end steps, in the name of an agent; the administrator may not."""
    return who.name == agent and not who.admin

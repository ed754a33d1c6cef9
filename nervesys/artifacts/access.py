"""Access control: which manifests and traces a caller may see, and what it may do. Decided here only."""

from sqlalchemy import ColumnElement, Connection, bindparam, exists, or_, select, true

from nervesys.artifacts.manifest import Visibility
from nervesys.artifacts.tables import manifests, members, traces
from nervesys.artifacts.tokens import Caller

_MEMBER = select(members.c.agent).where(members.c.trace_id == bindparam("trace"), members.c.agent == bindparam("name"))


def may_read(caller: Caller) -> ColumnElement[bool]:
    """SQL condition: the manifests that a caller may see. Every query of manifests uses it."""
    if caller.admin:
        return true()
    here = manifests.c
    member = exists().where(members.c.trace_id == here.trace_id, members.c.agent == caller.name)
    return or_(
        here.visibility == Visibility.PUBLIC,
        here.owner == caller.name,
        here.created_by == caller.name,
        (here.visibility == Visibility.TRACE) & member,
    )


def may_read_trace(caller: Caller) -> ColumnElement[bool]:
    """SQL condition: the traces that a caller may see and add to. Every query of traces uses it."""
    if caller.admin:
        return true()
    return exists().where(members.c.trace_id == traces.c.id, members.c.agent == caller.name)


def is_member(connection: Connection, caller: Caller, trace: str) -> bool:
    """Whether a caller takes part in one trace; the same rule as `may_read_trace`."""
    return caller.admin or connection.execute(_MEMBER, {"trace": trace, "name": caller.name}).first() is not None


def may_act_for(caller: Caller, agent: str) -> bool:
    """Whether a caller may register artifacts, or end steps, in the name of an agent; the administrator may not."""
    return caller.name == agent and not caller.admin

"""What callers may see and do: the one place that decides it."""

from sqlalchemy import ColumnElement, Connection, bindparam, exists, or_, select, true

from nervesys.artifacts.manifest import Visibility
from nervesys.artifacts.tables import manifests, members, traces
from nervesys.artifacts.tokens import Caller

_MEMBER = select(members.c.agent).where(members.c.trace_id == bindparam("trace"), members.c.agent == bindparam("name"))


def may_read(who: Caller) -> ColumnElement[bool]:
    """The manifests that somebody may see, as a condition of every query of them."""
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
    """The traces that somebody may see and add to, as a condition of every query of them."""
    if who.admin:
        return true()
    return exists().where(members.c.trace_id == traces.c.id, members.c.agent == who.name)


def is_member(connection: Connection, who: Caller, trace: str) -> bool:
    """Whether somebody takes part in a trace, as the rule above has it, asked about one trace at each registration."""
    return who.admin or connection.execute(_MEMBER, {"trace": trace, "name": who.name}).first() is not None


def may_speak_for(who: Caller, agent: str) -> bool:
    """Whether somebody may register what an agent made, or end what it does; the administrator makes nothing."""
    return who.name == agent and not who.admin

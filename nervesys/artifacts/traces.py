"""Operations on traces and steps, each a function of one transaction, as in `registry`."""

from http import HTTPStatus
from typing import Any

from sqlalchemy import Connection, Table, case, func, insert, select, update

from nervesys.artifacts.access import is_member, may_act_for, may_read_trace
from nervesys.artifacts.tables import members, steps, traces
from nervesys.artifacts.tokens import Caller
from nervesys.artifacts.trace import ENDED, Progress, Step, Trace, Update
from nervesys.metrics.body import HttpRefused


def join_trace(connection: Connection, caller: Caller, trace: str | None, at: float) -> HttpRefused | None:
    """Begin a trace if it does not exist yet; refuse callers that are not members of it.

    Args:
        connection: of an exclusive transaction.
        caller: the caller.
        trace: id of the trace; None if the request belongs to none.
        at: Unix seconds; start time of a trace that begins now.
    """
    if trace is None:
        return None
    if caller.admin:
        return HttpRefused(HTTPStatus.FORBIDDEN, "forbidden", "the administrator is no member of any trace")
    if is_member(connection, caller, trace):
        return None
    if connection.execute(select(traces.c.id).where(traces.c.id == trace)).one_or_none():
        return HttpRefused(HTTPStatus.FORBIDDEN, "forbidden", f"{caller.name} is no member of the trace {trace}")
    row = {"id": trace, "owner": caller.name, "status": Progress.RUNNING, "started_at": at}
    _insert(connection, traces, row)
    connection.execute(insert(members).values(trace_id=trace, agent=caller.name))
    return None


def update_trace(connection: Connection, caller: Caller, trace: str, report: Update) -> Trace | HttpRefused:
    """Begin or end a trace, and add members; a trace that has ended does not change any more."""
    if refusal := join_trace(connection, caller, trace, report.at):
        return refusal
    there = set(connection.execute(select(members.c.agent).where(members.c.trace_id == trace)).scalars())
    for agent in dict.fromkeys(report.members):
        if agent not in there:
            connection.execute(insert(members).values(trace_id=trace, agent=agent))
    _end(connection, traces, {"id": trace}, report)
    return trace_of(connection, caller, trace)


def update_step(connection: Connection, caller: Caller, trace: str, step: str, report: Update) -> Trace | HttpRefused:
    """Begin or end a step; a step that has ended does not change any more."""
    if refusal := join_trace(connection, caller, trace, report.at):
        return refusal
    key = {"trace_id": trace, "id": step}
    agent = connection.execute(select(steps.c.agent).filter_by(**key)).scalar_one_or_none()
    if agent is None:
        _insert(connection, steps, {**key, "agent": caller.name, "status": Progress.RUNNING, "started_at": report.at})
    elif not may_act_for(caller, agent):
        return HttpRefused(HTTPStatus.FORBIDDEN, "forbidden", f"{agent} does the step {step}, not {caller.name}")
    _end(connection, steps, key, report)
    return trace_of(connection, caller, trace)


def trace_of(connection: Connection, caller: Caller, trace: str) -> Trace | HttpRefused:
    """One trace with its steps; not found for callers that are not members of it."""
    row = connection.execute(select(traces).where(traces.c.id == trace, may_read_trace(caller))).one_or_none()
    if row is None:
        return HttpRefused(HTTPStatus.NOT_FOUND, "not_found", f"there is no trace {trace}")
    of = select(members.c.agent).where(members.c.trace_id == trace).order_by(members.c.agent)
    its = select(steps).where(steps.c.trace_id == trace).order_by(steps.c.started_at, steps.c.id)
    return Trace(
        id=row.id,
        owner=row.owner,
        members=tuple(connection.execute(of).scalars()),
        status=row.status,
        started_at=row.started_at,
        ended_at=row.ended_at,
        steps=tuple(Step.model_validate(step, from_attributes=True) for step in connection.execute(its)),
    )


def _next(table: Table) -> Any:
    return select(func.coalesce(func.max(table.c.change), 0) + 1).scalar_subquery()


def _insert(connection: Connection, table: Table, row: dict[str, Any]) -> None:
    connection.execute(insert(table).values(**row, registered=_next(table), change=_next(table)))


def _end(connection: Connection, table: Table, key: dict[str, str], report: Update) -> None:
    """Record how it ended, unless it has ended already; the end is never before the start."""
    if report.status in ENDED:
        ended = case((table.c.started_at > report.at, table.c.started_at), else_=report.at)
        open_ = update(table).filter_by(**key).where(table.c.ended_at.is_(None))
        connection.execute(open_.values(status=report.status, ended_at=ended, change=_next(table)))

"""Stores which instances of each agent were seen; all receivers share it, and it outlives their restarts."""

import json
from collections.abc import Collection, Mapping

from sqlalchemy import Connection, bindparam, delete, insert, select

from alerting.journal.tables import instances
from nervesys.contract import Instances

_READ = select(instances).where(instances.c.agent.in_(bindparam("agents", expanding=True)))
_FORGET = delete(instances).where(instances.c.agent.in_(bindparam("agents", expanding=True)))
NONE_SEEN = Instances()


def read_instances(connection: Connection, agents: Collection[str]) -> dict[str, Instances]:
    """The instances of these agents that were seen, by agent; none for an agent without any."""
    rows = connection.execute(_READ, {"agents": agents}).mappings()
    return {
        row["agent"]: Instances(tuple(json.loads(row["known"])), row["returns"], row["returned_at"]) for row in rows
    }


def store_instances(connection: Connection, seen: Mapping[str, Instances]) -> None:
    """Replace what is stored; the transaction must run alone, so that no other receiver does the same meanwhile."""
    if not seen:
        return
    rows = [
        {"agent": agent, "known": json.dumps(known.known), "returns": known.returns, "returned_at": known.returned_at}
        for agent, known in seen.items()
    ]
    connection.execute(_FORGET, {"agents": list(seen)})
    connection.execute(insert(instances), rows)

"""Stores which instances of each agent were seen; all receivers share it, and it outlives their restarts."""

import json

from sqlalchemy import Connection, delete, insert, select

from alerting.journal.tables import instances
from nervesys.contract import Instances


def read_instances(connection: Connection, agent: str) -> Instances:
    """The instances of an agent that were seen."""
    row = connection.execute(select(instances).where(instances.c.agent == agent)).mappings().first()
    return Instances(tuple(json.loads(row["known"])), row["returns"], row["returned_at"]) if row else Instances()


def store_instances(connection: Connection, agent: str, known: Instances) -> None:
    """Replace what is stored; the transaction must run alone, so that no other receiver does the same meanwhile."""
    seen = {"known": json.dumps(known.known), "returns": known.returns, "returned_at": known.returned_at}
    connection.execute(delete(instances).where(instances.c.agent == agent))
    connection.execute(insert(instances).values(agent=agent, **seen))

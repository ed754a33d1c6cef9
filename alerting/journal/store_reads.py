"""Stores since when the store has been readable without a break, so that a receiver's restart makes none."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from alerting.journal.tables import store_reads


@dataclass(frozen=True)
class StoreReads:
    """An unbroken run of reads; Unix seconds.

    Attributes:
        unbroken_since: its first read.
        last_success: its last read.
    """

    unbroken_since: float
    last_success: float

    def continues(self, other: "StoreReads", fresh: float) -> bool:
        """Whether no gap longer than `fresh` seconds lies between the end of this run and the end of another."""
        return abs(other.last_success - self.last_success) <= fresh


def read_store_reads(connection: Connection) -> StoreReads | None:
    """The run that was stored last; None where there is none."""
    row = connection.execute(select(*store_reads.c["unbroken_since", "last_success"])).first()
    return StoreReads(*row) if row else None


def keep_store_reads(connection: Connection, seen: StoreReads, fresh: float, every: float) -> None:
    """Store a run, or prolong the stored one, which may be another receiver's: it showed that agents could write.

    Args:
        connection: an open transaction that runs alone.
        seen: by this receiver.
        fresh: seconds between two reads that are no break.
        every: seconds before which nothing is written again.
    """
    stored = read_store_reads(connection)
    if stored and stored.continues(seen, fresh):
        if seen.last_success - stored.last_success < every:
            return
        seen = StoreReads(min(stored.unbroken_since, seen.unbroken_since), seen.last_success)
    connection.execute(delete(store_reads))
    connection.execute(insert(store_reads).values(unbroken_since=seen.unbroken_since, last_success=seen.last_success))

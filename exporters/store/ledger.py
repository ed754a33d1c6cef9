"""Stores which log objects were counted together with the totals, in one transaction: a crash counts nothing twice.

Of a folder in use, each object is kept with the largest sums that any version of it had, so that a new version (a
repeated upload, a file that grows) adds only what exceeds them. A folder that is over is folded into one row with a
digest of eight bytes for each key, which is enough to recognise objects that come late.
"""

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from sqlite3 import Connection

from exporters.runner import Cache
from exporters.shared.counting import Counting, Series, Sums
from exporters.store.totals import Totals
from nervesys.stores.objects import ObjectInfo

DIGEST_BYTES = 8


@dataclass(frozen=True)
class Reading:
    """What one object holds.

    Attributes:
        folder: the period it lies in.
        info: the object.
        sums: what it adds up to; None where it was rejected.
    """

    folder: str
    info: ObjectInfo
    sums: Sums | None


class LogLedger:
    """The counted objects and totals of the area `logs`.

    Args:
        cache: where it is kept.
        counting: what is counted.
        announced: see `Totals`.
    """

    def __init__(self, cache: Cache, counting: Counting, *, announced: bool = False) -> None:
        self._cache, self._counting = cache, counting
        with cache.transaction() as db:
            totals = db.execute("SELECT series, sums FROM total").fetchall()
            folded = db.execute("SELECT folder, checked FROM log_folder").fetchall()
            gone = db.execute("SELECT agent, since FROM log_agent_gone").fetchall()
        self.totals = Totals(
            {tuple(json.loads(series)): json.loads(sums) for series, sums in totals}, counting, announced=announced
        )
        self.folded: dict[str, float] = dict(folded)
        """When each folder that is over was last looked at."""
        self._gone_since: dict[str, float] = dict(gone)

    def counting_since(self, now: float) -> float:
        """When counting began. Older objects are not counted, or a lost cache would count them a second time."""
        with self._cache.transaction() as db:
            row = db.execute("SELECT at FROM log_birth").fetchone()
            if row is None:
                row = (now,)
                db.execute("INSERT INTO log_birth VALUES (?)", row)
        return float(row[0])

    def list_uncounted(self, folder: str, objects: Iterable[ObjectInfo]) -> list[ObjectInfo]:
        """Those objects of a folder that are new, or another version of what was read."""
        versions, folded = self._versions(folder), self._digests(folder)
        return [
            info
            for info in objects
            if versions.get(info.key) != info.version and not (folded and _digest(info.key) in folded)
        ]

    def count(
        self,
        readings: Sequence[Reading],
        on_count: Callable[[Connection, Sequence[Reading]], None] = lambda _db, _new: None,
    ) -> list[Series]:
        """Add what was read to the totals, and remember that it was.

        Args:
            readings: of objects.
            on_count: called in the same transaction with the readings of objects that were never counted before.

        Returns:
            The series that had to be counted as `other`.
        """
        added: dict[Series, list[float]] = {}
        rows: list[tuple[str, str, str, str | None]] = []
        for reading in readings:
            largest = None if reading.sums is None else self._add_excess(reading, reading.sums, added)
            rows.append((reading.folder, reading.info.key, reading.info.version, _to_json(largest)))
        changed, over = self.totals.plus(added)
        counted = "SELECT 1 FROM log_object WHERE folder = ? AND key = ? AND sums IS NOT NULL"
        with self._cache.transaction() as db:
            new = [item for item in readings if not db.execute(counted, (item.folder, item.info.key)).fetchone()]
            db.executemany(
                "INSERT INTO log_object VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
                " SET version = excluded.version, sums = coalesce(excluded.sums, sums)",
                rows,
            )
            totals = [(json.dumps(series), json.dumps(sums)) for series, sums in changed.items()]
            db.executemany("INSERT OR REPLACE INTO total VALUES (?, ?)", totals)
            on_count(db, new)
        self.totals.put(changed)
        return over

    def skip(self, folder: str, objects: Iterable[ObjectInfo]) -> None:
        """Remember objects that are older than counting: they add nothing."""
        rows = ((folder, info.key, info.version) for info in objects)
        with self._cache.transaction() as db:
            db.executemany("INSERT OR REPLACE INTO log_object VALUES (?, ?, ?, '[]')", rows)

    def fold(self, folder: str, now: float) -> None:
        """Fold a folder that is over into one row; rejected objects are kept apart, for they may be replaced."""
        digests, source = self._digests(folder), "FROM log_object WHERE folder = ? AND sums IS NOT NULL"
        with self._cache.transaction() as db:
            counted = (key for (key,) in db.execute(f"SELECT key {source}", (folder,)))
            row = (folder, now, b"".join(sorted(digests.union(map(_digest, counted)))))
            db.execute("INSERT OR REPLACE INTO log_folder VALUES (?, ?, ?)", row)
            db.execute(f"DELETE {source}", (folder,))
        self.folded[folder] = now

    def forget(self, folder: str) -> None:
        """Forget a folder that is empty, because retention has deleted its objects."""
        with self._cache.transaction() as db:
            db.execute("DELETE FROM log_object WHERE folder = ?", (folder,))
            db.execute("DELETE FROM log_folder WHERE folder = ?", (folder,))
        self.folded.pop(folder, None)

    def drop(self, series: Collection[Series]) -> None:
        """Forget single series of the totals."""
        if not series:
            return
        self.totals.drop(series)
        with self._cache.transaction() as db:
            db.executemany("DELETE FROM total WHERE series = ?", ((json.dumps(gone),) for gone in series))

    def forget_gone(self, is_known: Callable[[str], bool], now: float, after_seconds: float) -> None:
        """Forget the totals of agents that have not been known for so long.

        Args:
            is_known: whether an agent is configured, or has a state.
            now: Unix seconds.
            after_seconds: since an agent was last known.
        """
        gone = {agent for agent, _ in self.totals.agents() if not is_known(agent)}
        expired = [agent for agent in gone if now - self._gone_since.get(agent, now) > after_seconds]
        if gone == self._gone_since.keys() and not expired:
            return
        self._gone_since = {agent: self._gone_since.get(agent, now) for agent in gone.difference(expired)}
        series = [(json.dumps(series),) for agent in expired for series in self.totals.forget(agent)]
        with self._cache.transaction() as db:
            db.executemany("DELETE FROM total WHERE series = ?", series)
            db.execute("DELETE FROM log_agent_gone")
            db.executemany("INSERT INTO log_agent_gone VALUES (?, ?)", self._gone_since.items())

    def _versions(self, folder: str) -> dict[str, str]:
        """The versions that were read of a folder; not kept in memory, where those of one day can take 300 MB."""
        with self._cache.transaction() as db:
            return dict(db.execute("SELECT key, version FROM log_object WHERE folder = ?", (folder,)))

    def _digests(self, folder: str) -> set[bytes]:
        if folder not in self.folded:
            return set()
        with self._cache.transaction() as db:
            (blob,) = db.execute("SELECT counted FROM log_folder WHERE folder = ?", (folder,)).fetchone()
        return {blob[at : at + DIGEST_BYTES] for at in range(0, len(blob), DIGEST_BYTES)}

    def _add_excess(self, reading: Reading, read: Sums, added: dict[Series, list[float]]) -> Sums:
        """Add by how much an object exceeds its earlier versions; returns its largest sums so far."""
        largest = dict(self._largest_sums(reading))
        for series, sums in read.items():
            zeros = self._counting.zeros(series)
            before = largest.get(series, zeros)
            # An object that was replaced by a smaller version must not shrink a counter: Prometheus sees a reset.
            largest[series] = list(map(max, sums, before))
            excess = zip(added.get(series, zeros), largest[series], before, strict=True)
            added[series] = [so_far + now - then for so_far, now, then in excess]
        return largest

    def _largest_sums(self, reading: Reading) -> Sums:
        """The largest sums that earlier versions of the object were counted with."""
        with self._cache.transaction() as db:
            query = "SELECT sums FROM log_object WHERE folder = ? AND key = ?"
            (text,) = db.execute(query, (reading.folder, reading.info.key)).fetchone() or (None,)
        return {tuple(series): sums for series, sums in json.loads(text or "[]")}


def _digest(key: str) -> bytes:
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()


def _to_json(sums: Sums | None) -> str | None:
    return None if sums is None else json.dumps(list(sums.items()))

"""The objects that wait to be sent to a receiver, in tables of their own: what a pass reads follows what it sends.

Their number is kept by triggers; counted anew at each pass, a receiver that is away would make passes ever slower.
"""

from collections.abc import Iterable
from sqlite3 import Connection

from exporters.runner import Cache
from nervesys.stores.objects import ObjectInfo

AHEAD = 100
"""Objects that are taken from the queue at a time."""
TABLES = (
    """CREATE TABLE IF NOT EXISTS push_object (
        area TEXT, written TEXT, key TEXT, sent INTEGER NOT NULL, PRIMARY KEY (area, written, key)
    ) WITHOUT ROWID""",
    "CREATE UNIQUE INDEX IF NOT EXISTS push_object_key ON push_object (area, key)",
    "CREATE TABLE IF NOT EXISTS push_waiting (area TEXT PRIMARY KEY, objects INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TRIGGER IF NOT EXISTS push_added AFTER INSERT ON push_object BEGIN
        UPDATE push_waiting SET objects = objects + 1 WHERE area = new.area; END""",
    """CREATE TRIGGER IF NOT EXISTS push_removed AFTER DELETE ON push_object BEGIN
        UPDATE push_waiting SET objects = objects - 1 WHERE area = old.area; END""",
)


class PushQueue:
    """Objects that are to be sent, oldest first.

    Args:
        cache: where they are kept: by key, with the time that they were written and the number of lines sent.
        area: names them in the cache.
    """

    def __init__(self, cache: Cache, area: str) -> None:
        self._cache, self._area = cache, area
        with cache.transaction() as db:
            for statement in TABLES:
                db.execute(statement)
            db.execute("INSERT OR IGNORE INTO push_waiting VALUES (?, 0)", (area,))
            # Earlier versions kept them among the bodies.
            moved = "SELECT area, version, key, CAST(body AS INTEGER) FROM body WHERE area = ?"
            db.execute(f"INSERT OR IGNORE INTO push_object {moved}", (area,))
            db.execute("DELETE FROM body WHERE area = ?", (area,))

    def add(self, db: Connection, objects: Iterable[ObjectInfo]) -> None:
        """Add objects within a transaction of the cache."""
        rows = ((self._area, f"{info.modified:017.6f}", info.key) for info in objects)
        db.executemany("INSERT OR IGNORE INTO push_object VALUES (?, ?, ?, 0)", rows)

    def oldest(self) -> list[tuple[str, int]]:
        """Key, and number of lines sent, of the objects that come next; a few, however long the receiver was away."""
        query = "SELECT key, sent FROM push_object WHERE area = ? ORDER BY written, key LIMIT ?"
        with self._cache.transaction() as db:
            return db.execute(query, (self._area, AHEAD)).fetchall()

    def waiting(self) -> tuple[int, float | None]:
        """How many objects there are, and LastModified of the oldest in Unix seconds; None where there is none."""
        with self._cache.transaction() as db:
            (count,) = db.execute("SELECT objects FROM push_waiting WHERE area = ?", (self._area,)).fetchone()
            query = "SELECT min(written) FROM push_object WHERE area = ?"
            (oldest,) = db.execute(query, (self._area,)).fetchone()
        return count, None if oldest is None else float(oldest)

    def advance(self, key: str, sent: int) -> None:
        """So many lines of an object were sent."""
        with self._cache.transaction() as db:
            db.execute("UPDATE push_object SET sent = ? WHERE area = ? AND key = ?", (sent, self._area, key))

    def remove(self, key: str) -> None:
        """An object was sent, or never can be."""
        with self._cache.transaction() as db:
            db.execute("DELETE FROM push_object WHERE area = ? AND key = ?", (self._area, key))

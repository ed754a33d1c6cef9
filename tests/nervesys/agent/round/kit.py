"""A store with logs of some days, and the archive that they go to."""

import gzip
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from nervesys.agent.round import Round
from nervesys.settings import load
from nervesys.stores.archive import Archive
from nervesys.stores.folder import FolderArchive
from nervesys.stores.objects import ObjectStore
from tests.stores import FolderStore

NOW = datetime(2026, 1, 20, 3, tzinfo=UTC).timestamp()
DUE, KEPT = "2026-01-12", "2026-01-13"
"""The newest day that is due, and the one after it."""
STORAGE = load().settings.storage


class World:
    """Store and archive as folders."""

    def __init__(self, folder: Path) -> None:
        self.bucket, self.cold = folder / "bucket", folder / "archive"
        self.bucket.mkdir(parents=True)
        self.cold.mkdir()
        self.store, self.archive = FolderStore(self.bucket), FolderArchive(self.cold)

    def ship(self, day: str, *records: str, seq: int = 1, agent: str = "grok", server: str = "host-1") -> str:
        """One log object; each record is `category message`."""
        key = f"db/active_logs/{server}/{day}/120000_{agent}_{seq:08}.jsonl.gz"
        self.store.put(key, gzip.compress(b"".join(line(day, record) for record in records)))
        return key

    def round(self, store: ObjectStore | None = None, archive: Archive | None = None) -> Round:
        return Round(store or self.store, archive or self.archive, STORAGE, lambda: NOW)

    def run(self, store: ObjectStore | None = None, archive: Archive | None = None) -> list[str]:
        daily_round = self.round(store, archive)
        return daily_round.carry_out(daily_round.plan(), lambda _: None)

    def in_store(self) -> Counter[str]:
        return _messages(self.bucket / "db")

    def in_archive(self) -> Counter[str]:
        return _messages(self.cold / "Archive")


def line(day: str, record: str) -> bytes:
    category, _, message = record.partition(" ")
    fields = {"timestamp": f"{day}T12:00:00.000Z", "agent_id": "grok", "category": category, "message": message}
    return json.dumps(fields).encode() + b"\n"


def _messages(folder: Path) -> Counter[str]:
    bodies = (gzip.decompress(path.read_bytes()) for path in sorted(folder.rglob("*.gz")))
    return Counter(json.loads(line)["message"] for body in bodies for line in body.splitlines())

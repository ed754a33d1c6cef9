"""A fleet's pillars, filled: a real S3 server, a folder as archive, a Git repository, a real Prometheus."""

import gzip
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from nervesys.agent.round.summary import summarise_day
from nervesys.clients.prometheus import Prometheus
from nervesys.settings import Loaded, load
from nervesys.stores.brain import GitBrain
from nervesys.stores.folder import FolderArchive
from nervesys.stores.s3 import S3Store
from reports.periodic.gather import Sources
from tests.brains import write
from tests.hour.prometheus import remembering
from tests.reports.periodic.fleet_data import (
    AGENTS,
    MONDAY,
    SLOW,
    SLOW_DOWN_AFTER,
    TUESDAY,
    WEDNESDAY,
    FleetData,
    at,
    past,
)
from tests.servers.s3 import rclone, settings_of

ANALYSIS = "יום רגיל: grok נפל פעם אחת בלילה והופעל מחדש."
NOW = at(WEDNESDAY, 5)


@dataclass(frozen=True)
class World:
    """All of it.

    Attributes:
        raw: what was put there.
        prometheus: its URL.
        environ: how programs find it.
    """

    raw: FleetData
    folder: Path
    prometheus: str
    endpoint: str
    loaded: Loaded
    commits: tuple[str, ...]

    def sources(self, executor: ThreadPoolExecutor, now: float = NOW) -> Sources:
        """As a command opens them."""
        store = S3Store(settings_of(self.endpoint))
        brain = GitBrain(str(self.folder / "brain.git"), self.folder / "mirror", timeout_seconds=30)
        archive = FolderArchive(self.folder / "archive")
        return Sources(self.loaded, Prometheus(self.prometheus), store, archive, brain, lambda: now, executor)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The fleet's three days, in real pillars."""
    folder, raw = tmp_path_factory.mktemp("fleet"), past()
    (folder / "archive").mkdir()
    (folder / "prometheus").mkdir()
    commits = _brain(folder / "brain.git", raw)
    tree = GitBrain(str(folder / "brain.git"), folder / "first", timeout_seconds=30)
    tree.fetch()
    loaded = load(tree.tree("main"))
    with rclone(folder / "s3") as endpoint, remembering(folder / "prometheus", raw.openmetrics()) as prometheus:
        _ship(folder / "archive", S3Store(settings_of(endpoint)), raw)
        yield World(raw, folder, prometheus, endpoint, loaded, commits)


CONFIG = {
    **{f"config/agents/{name}.yaml": f"agent: {{name: {name}}}\n".encode() for name in AGENTS},
    f"config/agents/{SLOW}.yaml": (
        f"agent: {{name: {SLOW}, thresholds: {{heartbeat: {{down_after_seconds: {SLOW_DOWN_AFTER}}}}}}}\n".encode()
    ),
    "config/prices.yaml": b"per_million_tokens: {grok-4: 6, gimai-2: 2.5}\n",
}
"""A brain whose slow agent may be silent for longer, and whose prices know two of three models."""


def _brain(repository: Path, raw: FleetData) -> tuple[str, ...]:
    """Commits of the configuration on both days, others too, and summaries of the days that are over."""
    first = write(repository, CONFIG, when=at(MONDAY, 8), message="Begin")
    write(repository, {"README.md": b"words"}, when=at(TUESDAY, 8), message="Say what this is")
    second = write(
        repository,
        {"config/agents/grok.yaml": b"agent: {name: grok, role: x}\n", "config/thresholds.yaml": b"series: 1000\n"},
        when=at(TUESDAY, 10, 30),
        message="Give grok more time\n\nIt is slow.",
        author="דנה",
    )
    two = write(
        repository,
        {"config/storage.yaml": b"round: {delete_at_most: 9}\n"},
        when=at(WEDNESDAY),
        message="Keep logs longer",
    )
    for day in (MONDAY, TUESDAY):
        lines = [
            json.dumps(record).encode() for (_, of), records in raw.logs.items() if of == str(day) for record in records
        ]
        body = summarise_day(str(day), lines)
        if day == TUESDAY:
            body = body.model_copy(update={"analysis": ANALYSIS})
        write(repository, {f"metrics/daily/{day}.json": body.body()}, branch="state", when=at(day, 23))
    return first, second, two


def _ship(archive: Path, store: S3Store, raw: FleetData) -> None:
    """Monday lies in the archive; Tuesday of alpha in the store, of beta in both, for a round was interrupted."""
    for server, day, body in raw.objects():
        key = f"db/active_logs/{server}/{day}/230000_grok_00000001.jsonl.gz"
        if day != str(MONDAY):
            store.put(key, body)
        if day == str(MONDAY) or (server != "alpha" and day == str(TUESDAY)):
            for category in ("system", "activity", "errors", "audit"):
                records = [record for record in raw.logs[server, day] if record["category"] == category]
                path = archive / f"Archive/logs/2026/03/{server}_{day}_{category}.json.gz"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(gzip.compress(b"".join(json.dumps(record).encode() + b"\n" for record in records)))


@pytest.fixture(scope="session")
def executor() -> Iterator[ThreadPoolExecutor]:
    """Asks Prometheus."""
    with ThreadPoolExecutor(4) as executor:
        yield executor

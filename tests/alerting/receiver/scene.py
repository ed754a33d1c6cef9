"""A fleet that lives fast: real receivers, a real store, agents that die and are restarted within a second.

The agents are a thread that writes their states; a driver that counts its calls brings them back.
"""

import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, text

from nervesys.contract import AgentState, Status
from nervesys.settings import shipped_root
from nervesys.stores.s3 import S3Store
from tests.alerting.receiver.running import furnish
from tests.servers.postgres import Postgres
from tests.servers.s3 import ACCESS_KEY, BUCKET, SECRET_KEY, settings_of

HEARTBEAT = 0.2
DOWN_AFTER = 0.8
LIFE = 1.5
"""Seconds that an agent lives after a restart."""
PROFILE = f"""
thresholds:
  heartbeat: {{interval_seconds: {HEARTBEAT}, down_after_seconds: {DOWN_AFTER}, future_seconds: 5}}
monitoring:
  sources: {{store: {{refresh: {{agents: {HEARTBEAT}}}}}}}
  listen: {{alertmanager: "127.0.0.1:1"}}
  prometheus: {{evaluation_interval_seconds: {HEARTBEAT}}}
agent:
  health: {{max_restart_attempts: 100000}}
  restart: {{driver: command, target: "{{agent}}"}}
"""
LOCAL = """
journal: {journal}
drivers:
  command: {{argv: [{script}, "{{agent}}"], servers: ["*"]}}
limits:
  {{start_allowance_seconds: 1, cooldown_seconds: 0, blast_share: 1, blast_at_least: 1000, restarts_per_hour: 100000,
    flap_recoveries: 100000, lease_seconds: 2}}
"""
DRIVER = '#!/bin/sh\necho "$1 $(date +%s.%N)" >> "$0.calls"\nexec sleep 0.3\n'


class Scene:
    """What receivers stand in.

    Args:
        folder: empty.
        endpoint: of an S3 server.
        agents: their names.
        journal: URL; None for SQLite in the receiver's home.
    """

    def __init__(self, folder: Path, endpoint: str, agents: Sequence[str], journal: str | None = None) -> None:
        self.agents, self.home = agents, folder / "home"
        self.journal = journal or f"sqlite:///{self.home / 'journal.sqlite3'}"
        self._script, self._brain = folder / "restart", folder / "brain"
        folder.mkdir(exist_ok=True)
        self._script.write_text(DRIVER)
        self._script.chmod(0o700)
        shutil.copytree(shipped_root() / "config", self._brain / "config")
        shutil.rmtree(self._brain / "config/agents")
        (self._brain / "config/agents").mkdir()
        for agent in agents:
            (self._brain / f"config/agents/{agent}.yaml").write_text(f"agent: {{name: {agent}, role: tests}}\n")
        (self._brain / "config/profiles/fast.yaml").write_text(PROFILE)
        furnish(self.home, LOCAL.format(journal=self.journal, script=self._script))
        self.fleet = FastFleet(S3Store(settings_of(endpoint)), agents, lambda: [agent for agent, _ in self.calls()])
        self.env: Mapping[str, str] = {
            "NERVESYS_BRAIN": str(self._brain),
            "NERVESYS_PROFILE": "fast",
            "STORJ_ENDPOINT": endpoint,
            "STORJ_BUCKET": BUCKET,
            "STORJ_ACCESS_KEY": ACCESS_KEY,
            "STORJ_SECRET_KEY": SECRET_KEY,
        }

    def calls(self) -> list[tuple[str, float]]:
        """Every call of the driver: the agent, and when."""
        file = self._script.with_name("restart.calls")
        lines = file.read_text().splitlines() if file.exists() else []
        return [(agent, float(at)) for agent, at in map(str.split, lines)]

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """What the journal says."""
        engine = create_engine(self.journal.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool)
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def open_rows(self) -> dict[str, int]:
        """Open episodes of each agent that has any."""
        query = "SELECT agent, count(*) FROM episodes WHERE closed_at IS NULL GROUP BY agent, action, test"
        return dict(self.ask(query))

    @contextmanager
    def alive(self) -> Iterator["FastFleet"]:
        """The agents write their states until the block is left."""
        self.fleet.start()
        try:
            yield self.fleet
        finally:
            self.fleet.over.set()
            self.fleet.join()


class FastFleet(threading.Thread):
    """Agents that have died at the start, and die again some time after each restart.

    Args:
        store: where they write their states.
        agents: their names.
        calls: returns the agent of each call of the driver.

    Attributes:
        immortal: from now on nobody dies.
        over: ends the thread.
        needless: agents that were restarted while they lived.
    """

    def __init__(self, store: S3Store, agents: Sequence[str], calls: Callable[[], list[str]]) -> None:
        super().__init__(name="fleet", daemon=True)
        self.immortal, self.over = threading.Event(), threading.Event()
        self.needless: list[str] = []
        self._store, self._agents, self._calls = store, agents, calls
        self._instance = dict.fromkeys(agents, 0)
        self._until = dict.fromkeys(agents, 0.0)

    def run(self) -> None:
        for agent in self._agents:
            self._beat(agent)
        while not self.over.wait(HEARTBEAT):
            restarts, now = Counter(self._calls()), time.monotonic()
            for agent in self._agents:
                if restarts[agent] > self._instance[agent]:
                    self.needless += [agent] if now < self._until[agent] else []
                    self._instance[agent] = restarts[agent]
                    self._until[agent] = now + LIFE
                if now < self._until[agent]:
                    self._until[agent] += HEARTBEAT if self.immortal.is_set() else 0
                    self._beat(agent)

    def _beat(self, agent: str) -> None:
        instance = f"{agent}-{self._instance[agent]}"
        state = AgentState(
            agent_id=agent, instance_id=instance, server="alpha", status=Status.RUNNING, timestamp=time.time()
        )
        self._store.put(f"db/agents/{agent}_state.json", state.body())


@pytest.fixture
def scene(tmp_path: Path, rclone_endpoint: str, postgresql: Postgres) -> Scene:
    """One whose journal several receivers share."""
    return Scene(tmp_path / "scene", rclone_endpoint, ("grok", "gimai", "copilot"), postgresql.database())

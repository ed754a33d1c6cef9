"""From an empty disk to a running agent with its data: the time that a lost server costs."""

import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path

from benchmarks.idle import AGENT, running, until
from benchmarks.measure import BenchmarkReport, seconds
from nervesys.agent import Agent
from nervesys.agent.replication.databases import open_databases
from nervesys.clock import system_clock
from nervesys.stores.open_stores import open_store
from tests.brains import write
from tests.servers.s3 import ACCESS_KEY, BUCKET, SECRET_KEY, rclone

GIGABYTE_ROWS, SHORT_ROWS = 1000, 10
"""Of a megabyte each, that nothing can pack."""
LIMIT_SECONDS = 15 * 60
RESTORE = (sys.executable, "-m", "nervesys", "agent", "restore", "grok")


def run(report: BenchmarkReport, *, large: bool, short: bool) -> None:  # noqa: ARG001  # every benchmark takes the same flags
    """Fill an agent's database, lose its disk, restore it on another one, and start the agent there."""
    rows = SHORT_ROWS if short else GIGABYTE_ROWS
    with tempfile.TemporaryDirectory() as name, rclone(Path(name) / "s3") as endpoint:
        folder = Path(name)
        write(folder / "brain.git", {"config/agents/grok.yaml": b"agent: {name: grok}"})
        variables = {
            "NERVESYS_BRAIN": str(folder / "brain.git"),
            "STORJ_ENDPOINT": endpoint,
            "STORJ_ACCESS_KEY": ACCESS_KEY,
            "STORJ_SECRET_KEY": SECRET_KEY,
        }
        with Agent("grok", home=str(folder / "lost"), environ=variables) as agent:
            fill(agent.database("memory"), rows)
            open_databases(agent.me, open_store(agent.me.settings.storage.storj), system_clock).save()
        state = folder / "s3" / BUCKET / "db/agents/grok_state.json"
        before, began = state.read_bytes(), time.monotonic()
        elsewhere = variables | {"NERVESYS_HOME": str(folder / "new")}
        subprocess.run(RESTORE, env=os.environ | elsewhere, check=True, stdout=subprocess.DEVNULL)
        restored = time.monotonic() - began
        with running(AGENT, elsewhere):
            until(lambda: state_changed(state, before))
            alive = time.monotonic() - began
        with closing(sqlite3.connect(folder / "new/agents/grok/databases/memory.sqlite3")) as db:
            (rows_restored,) = db.execute("SELECT count(*) FROM blobs").fetchone()
    report.limit("rows of a megabyte that did not come back", rows - rows_restored, 0)
    report.fact("until they lie there, with SQLite's own check", seconds(restored))
    report.limit("until the agent's first heartbeat, s", round(alive), LIMIT_SECONDS)


def state_changed(state: Path, before: bytes) -> bool:
    """Whether the agent has written its state again; the server has none for a moment while it does."""
    with suppress(FileNotFoundError):
        return state.read_bytes() not in (b"", before)
    return False


def fill(path: Path, rows: int) -> None:
    """An SQLite file of so many megabytes."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE blobs (body BLOB)")
        db.executemany("INSERT INTO blobs VALUES (randomblob(1000000))", [()] * rows)

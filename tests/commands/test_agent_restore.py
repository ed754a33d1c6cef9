"""`nervesys agent restore`, against a real S3 server: from an empty disk to an agent with its data.

Covers: nervesys.agent.replication.restore_databases, commands.agent.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from nervesys.agent import Agent
from tests.commands.conftest import Run
from tests.servers.fixtures import rclone_endpoint
from tests.servers.s3 import ACCESS_KEY, SECRET_KEY

__all__ = ["rclone_endpoint"]


def test_from_an_empty_disk_to_an_agent_with_its_data(
    run: Run, rclone_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"ENDPOINT": rclone_endpoint, "ACCESS_KEY": ACCESS_KEY, "SECRET_KEY": SECRET_KEY}.items():
        monkeypatch.setenv(f"STORJ_{name}", value)
    assert "has no database of gimai" in run("agent", "restore", "gimai", "--home", str(tmp_path / "a")).out
    with Agent("gimai", home=str(tmp_path / "a"), server="old-host") as agent:
        with closing(sqlite3.connect(agent.database("memory"))) as db, db:
            db.execute("CREATE TABLE blobs (body BLOB)")
            db.executemany("INSERT INTO blobs VALUES (randomblob(1000000))", [()] * 20)
        running = run("agent", "restore", "gimai", "--home", str(tmp_path / "a"))
        assert running.code == 1
        assert "is this agent already; stop it first" in running.err
    ran = run("agent", "restore", "gimai", "--home", str(tmp_path / "b"))
    assert ran.code == 0
    assert "b/agents/gimai/databases/memory.sqlite3: 20" in ran.out
    with (
        Agent("gimai", home=str(tmp_path / "b"), server="new-host") as agent,
        closing(sqlite3.connect(agent.database("memory"))) as db,
    ):
        assert db.execute("SELECT count(*), sum(length(body)) FROM blobs").fetchone() == (20, 20_000_000)

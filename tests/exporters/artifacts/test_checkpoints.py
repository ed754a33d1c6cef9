"""Area `checkpoints`, against what the real `langgraph-checkpoint-sqlite` writes, and the same on PostgreSQL.

Covers: exporters.artifacts.checkpoints.
"""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.sqlite import SqliteSaver
from sqlalchemy import Connection

from exporters.artifacts import checkpoints
from exporters.artifacts.checkpoints import CheckpointsArea, creation_time
from exporters.runner import Refresh
from tests.servers.postgres import Postgres


def save(file: Path, *threads: str) -> None:
    """One more checkpoint of each thread, by LangGraph itself."""
    with SqliteSaver.from_conn_string(str(file)) as saver:
        for thread in threads:
            config: Any = {"configurable": {"thread_id": thread, "checkpoint_ns": ""}}
            at: Any = saver.put(config, empty_checkpoint(), {"source": "input", "step": 1, "parents": {}}, {})
            saver.put_writes(at, [("channel", "x" * 1000)], "task")


def refreshed(area: CheckpointsArea, out: Refresh | None = None) -> dict[str, float]:
    out = out or Refresh(checkpoints.FAMILIES, lambda _key, bad: pytest.fail(str(bad)))
    try:
        area.refresh(out)
    finally:
        lines = [line for line in out.snapshot().plain.decode().splitlines() if not line.startswith("#")]
    return {name.removeprefix("nervesys_"): float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_langgraphs_own_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "threads.sqlite3"
    save(file, "a", "b")
    save(file, "a")
    found = refreshed(CheckpointsArea({"main": f"sqlite:///{file}"}))
    assert found['checkpoint_threads{database="main"}'] == 2
    assert found['checkpoints{database="main"}'] == 3
    assert abs(found['checkpoint_newest_timestamp_seconds{database="main"}'] - time.time()) < 60
    assert found['checkpoint_bytes{database="main"}'] >= file.stat().st_size > 0


def test_a_file_that_did_not_change_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "threads.sqlite3"
    save(file, "a")
    reads: list[Connection] = []
    counts: Callable[[Connection], Any] = checkpoints._read_counts

    def counting(connection: Connection) -> Any:
        reads.append(connection)
        return counts(connection)

    monkeypatch.setattr(checkpoints, "_read_counts", counting)
    area, out = CheckpointsArea({"main": f"sqlite:///{file}"}), Refresh(checkpoints.FAMILIES, lambda *_: None)
    refreshed(area, out)
    refreshed(area, out)
    assert len(reads) == 1
    save(file, "b")
    assert refreshed(area, out)['checkpoint_threads{database="main"}'] == 2


def test_an_unreadable_database_fails_the_pass_and_hides_no_other(tmp_path: Path) -> None:
    save(tmp_path / "threads.sqlite3", "a")
    sqlite3.connect(tmp_path / "empty.sqlite3").close()
    urls = {name: f"sqlite:///{tmp_path / name}.sqlite3" for name in ("empty", "none", "threads")}
    out = Refresh(checkpoints.FAMILIES, lambda *_: None)
    with pytest.raises(Exception, match=r"read the checkpoints empty: .*; read the checkpoints none: unable to open"):
        refreshed(CheckpointsArea(urls), out)
    assert out.serve_on_failure
    assert 'checkpoint_threads{database="threads"} 1' in out.snapshot().plain.decode()
    assert not (tmp_path / "none.sqlite3").exists()


def test_the_tables_on_postgresql(postgresql: Postgres) -> None:
    """As langgraph-checkpoint-postgres makes them, which is not installed here."""
    url = postgresql.database()
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        connection.execute(
            "CREATE TABLE checkpoints (thread_id TEXT, checkpoint_ns TEXT DEFAULT '', checkpoint_id TEXT, "
            "parent_checkpoint_id TEXT, type TEXT, checkpoint JSONB, metadata JSONB)"
        )
        connection.execute("CREATE TABLE checkpoint_writes (thread_id TEXT, blob BYTEA)")
        connection.execute("INSERT INTO checkpoints (thread_id, checkpoint_id) VALUES ('a', '1'), ('a', '2')")
    found = refreshed(CheckpointsArea({"main": url}))
    assert (found['checkpoint_threads{database="main"}'], found['checkpoints{database="main"}']) == (1, 2)
    assert found['checkpoint_bytes{database="main"}'] > 0
    assert 'checkpoint_newest_timestamp_seconds{database="main"}' not in found


def test_the_example_of_rfc_9562() -> None:
    assert creation_time("1EC9414C-232A-6B00-B3C8-9F6BDECED846") == 1_645_557_742
    assert creation_time("not a UUID") is None
    assert creation_time("C232AB00-9414-11EC-B3C8-9F6BDECED846") is None

"""Records on the disk: none is lost before the store has confirmed it, and dropped ones are counted.

Covers: nervesys.agent.logs.buffer, nervesys.agent.logs.buffer_file, nervesys.agent.logs.memory_queue.
"""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from nervesys.agent.logs import memory_queue
from nervesys.agent.logs.buffer import LogBuffer
from nervesys.contract import AgentState
from nervesys.errors import NervesysError
from tests.nervesys.agent.logs.kit import MB, a_buffer, logged, sealed, shipped

NOTHING = {"DEBUG": 0, "INFO": 0, "WARN": 0, "ERROR": 0}


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., LogBuffer]:
    return partial(a_buffer, tmp_path)


def write(kept: LogBuffer, *messages: str, severity: int = 20, category: str = "activity") -> None:
    for message in messages:
        kept.append(logged(message, severity, category))
    kept.commit()


def test_what_was_committed_outlives_the_process(opened: Callable[..., LogBuffer]) -> None:
    first = opened()
    first.append(logged("kept", at=7))
    first.commit()
    first.append(logged("only in memory"))
    second = opened()
    assert sealed(second) == {"1": ["kept"]}
    state = second.state()
    assert (state.records, state.oldest_timestamp, state.dropped) == (1, 7, NOTHING)
    assert state.bytes == first.bytes > len("kept")


def test_a_batch_keeps_its_key_and_its_records_until_it_is_deleted(opened: Callable[..., LogBuffer]) -> None:
    kept = opened()
    write(kept, "a")
    assert sealed(kept) == {"1": ["a"]}
    write(kept, "b")
    assert sealed(kept) == sealed(opened()) == {"1": ["a"]}
    assert shipped(kept) == [["a"], ["b"]]
    assert (kept.state().records, kept.bytes) == (0, 0)


def test_a_number_is_never_used_again(opened: Callable[..., LogBuffer]) -> None:
    kept = opened()
    for number in ("1", "2"):
        write(kept, "x")
        assert list(sealed(kept)) == [number]
        kept.delete(*kept.batches())


def test_layouts_by_category_get_a_batch_for_each(opened: Callable[..., LogBuffer]) -> None:
    kept = opened()
    for message, category in (("a", "errors"), ("b", "system"), ("c", "errors")):
        write(kept, message, category=category)
    assert sealed(kept, by_category=True) == {"errors1": ["a", "c"], "system2": ["b"]}
    assert shipped(kept, by_category=True) == [["a", "c"], ["b"]]


def test_a_backlog_leaves_in_batches_of_bounded_size(opened: Callable[..., LogBuffer]) -> None:
    kept = opened()
    write(kept, *"abcde")
    two = 2 * len('{"message":"a"}\n')
    assert shipped(kept, max_bytes=two) == [["a", "b"], ["c", "d"], ["e"]]
    write(kept, "one that is longer than all the others together")
    assert len(shipped(kept, max_bytes=two)) == 1


def test_beyond_the_cap_the_least_severe_and_oldest_go_first(opened: Callable[..., LogBuffer]) -> None:
    kept = opened(max_bytes=630)
    for number in range(5):
        write(kept, f"error {number}", severity=40)
        write(kept, f"debug {number}", severity=10)
        write(kept, f"info {number}", severity=20)
    assert kept.bytes <= 630
    both = [f"{level} {number}" for number in range(1, 5) for level in ("error", "info")]
    assert shipped(kept) == [["error 0", *both]]
    assert kept.state().dropped == NOTHING | {"DEBUG": 5, "INFO": 1}


def test_counts_of_dropped_records_survive_a_restart_and_are_in_the_state(opened: Callable[..., LogBuffer]) -> None:
    write(opened(max_bytes=200), *"abcdefghij", severity=30)
    state = AgentState(agent_id="grok", status="running", timestamp=0, buffer=opened().state())
    buffer_state = AgentState.parse(state.body()).buffer
    assert buffer_state is not None
    assert buffer_state.dropped == NOTHING | {"WARN": 7}


def test_a_sealed_batch_is_not_touched_by_the_cap(opened: Callable[..., LogBuffer]) -> None:
    kept = opened(max_bytes=300)
    write(kept, *"abc", severity=10)
    before = sealed(kept)
    write(kept, *"defghijk", severity=40)
    assert sealed(kept) == before == {"1": ["a", "b", "c"]}


def test_the_file_stays_near_the_cap_and_shrinks_once_all_is_shipped(
    opened: Callable[..., LogBuffer], tmp_path: Path
) -> None:
    kept = opened(max_bytes=2 * MB)
    for _ in range(40):
        write(kept, *(f"{number} {'x' * 100}" for number in range(500)))

    def size() -> int:
        kept._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return (tmp_path / "buffer.sqlite3").stat().st_size

    assert 1.5 * MB < size() < 2.1 * MB
    assert sum(kept.state().dropped.values()) + kept.state().records == 20_000
    shipped(kept)
    assert size() < 100_000


def test_memory_is_written_down_when_it_is_full(
    opened: Callable[..., LogBuffer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_queue, "RECORDS", 3)
    kept = opened()
    for message in "abcd":
        kept.append(logged(message))
    assert kept.state().records == 3
    monkeypatch.setattr(memory_queue, "CHARACTERS", 1)
    kept.append(logged("e"))
    assert shipped(kept) == [["a", "b", "c", "d", "e"]]


def test_where_the_disk_refuses_memory_is_bounded_and_what_matters_least_goes(
    opened: Callable[..., LogBuffer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_queue, "RECORDS", 4)
    kept = opened()
    with sqlite3.connect(tmp_path / "buffer.sqlite3") as other:
        other.execute("ALTER TABLE runs RENAME TO away")
    for message, severity in (("a", 40), ("b", 10), ("c", 20), ("d", 10), ("e", 20), ("f", 40), ("g", 30)):
        kept.append(logged(message, severity))
    with pytest.raises(NervesysError, match="write the buffer: no such table"):
        kept.commit()
    assert kept.state().dropped == NOTHING | {"DEBUG": 2, "INFO": 2}
    with sqlite3.connect(tmp_path / "buffer.sqlite3") as other:
        other.execute("ALTER TABLE away RENAME TO runs")
    other.close()
    kept.commit()
    assert shipped(kept) == [["a", "f", "g"]]
    assert kept.state().dropped == opened().state().dropped == NOTHING | {"DEBUG": 2, "INFO": 2}, "counted once"


def test_threads_log_while_another_commits(opened: Callable[..., LogBuffer]) -> None:
    kept, count = opened(max_bytes=10 * MB), 2000

    def log(name: str) -> None:
        for number in range(count):
            kept.append(logged(f"{name} {number}"))

    threads = [threading.Thread(target=log, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        kept.commit()
    kept.commit()
    messages = [message for batch in shipped(kept, max_bytes=10 * MB) for message in batch]
    for name in "abc":
        assert [message for message in messages if message[0] == name] == [f"{name} {n}" for n in range(count)]


@pytest.mark.parametrize("damage", [b"x" * 4096, b"SQLite format 3\0" + b"\xff" * 9000])
def test_a_damaged_file_is_moved_aside_and_reported(
    opened: Callable[..., LogBuffer], tmp_path: Path, damage: bytes
) -> None:
    (tmp_path / "buffer.sqlite3").write_bytes(damage)
    kept = opened()
    kept.append(logged("kept"))
    with pytest.raises(NervesysError, match=r"is damaged .*moved to buffer.sqlite3.damaged"):
        kept.commit()
    kept.commit()
    assert sealed(kept) == {"1": ["kept"]}
    assert kept.state().set_aside == 1
    assert (tmp_path / "buffer.sqlite3.damaged").read_bytes() == damage


def test_what_another_release_left_is_set_aside(opened: Callable[..., LogBuffer], tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "buffer.sqlite3")) as other:
        other.executescript("CREATE TABLE records (line TEXT); PRAGMA user_version = 1")
    kept = opened()
    with pytest.raises(NervesysError, match="its schema version is 1, not 2"):
        kept.commit()
    write(kept, "kept")
    assert sealed(opened()) == {"1": ["kept"]}
    with closing(sqlite3.connect(tmp_path / "buffer.sqlite3.damaged")) as aside:
        assert aside.execute("SELECT count(*) FROM records").fetchone() == (0,)


def test_a_file_damaged_meanwhile_is_replaced_and_memory_kept(opened: Callable[..., LogBuffer], tmp_path: Path) -> None:
    kept, file = opened(), tmp_path / "buffer.sqlite3"
    write(kept, *(f"{number} {'x' * 300}" for number in range(1000)))
    kept._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with file.open("r+b") as stream:
        stream.seek(4096)
        stream.write(b"\xff" * (file.stat().st_size - 4096))
    kept._db.execute("PRAGMA shrink_memory")
    kept.append(logged("kept"))
    with pytest.raises(NervesysError, match="is damaged"):
        kept.commit()
    kept.commit()
    assert sealed(kept) == {"1": ["kept"]}
    assert kept.state().set_aside == 1


def test_where_no_file_can_be_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NervesysError, match=r"open the buffer .*file/buffer.sqlite3: .*File exists"):
        a_buffer(tmp_path / "file")

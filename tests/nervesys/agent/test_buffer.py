"""Records on disk: none is lost before the store has confirmed it, and none is sent as two."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nervesys.agent import buffer
from nervesys.agent.buffer import Buffer, Entry
from nervesys.errors import NervesysError

MB = 1_000_000


def entry(message: Any, severity: int = 20, category: str = "activity", at: float = 0) -> Entry:
    return Entry(at, severity, category, {"message": message})


def messages(kept: Buffer, batch: str) -> list[Any]:
    return [json.loads(line)["message"] for line in kept.lines(batch).splitlines()]


def sealed(kept: Buffer, by_category: bool = False) -> dict[str, list[Any]]:
    kept.seal(lambda category, first: f"{category}{first}", by_category)
    return {batch: messages(kept, batch) for batch in kept.batches()}


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Buffer]:
    return lambda max_bytes=MB: Buffer(tmp_path / "buffer.sqlite3", max_bytes)


def test_what_was_committed_outlives_the_process(opened: Callable[..., Buffer]) -> None:
    first = opened()
    first.append(entry("kept", at=7))
    first.commit()
    first.append(entry("only in memory"))
    second = opened()
    assert sealed(second) == {"1": ["kept"]}
    state = second.state()
    assert (state.records, state.oldest_timestamp, state.bytes) == (1, 7, len(second.lines("1")))


def test_a_batch_keeps_its_key_until_it_is_deleted(opened: Callable[..., Buffer]) -> None:
    kept = opened()
    for message in ("a", "b"):
        kept.append(entry(message))
        kept.commit()
        sealed(kept)
    assert sealed(opened()) == {"1": ["a"], "2": ["b"]}
    kept.delete("1")
    assert sealed(kept) == {"2": ["b"]}
    kept.delete("2")
    assert (kept.state().records, kept.bytes) == (0, 0)


def test_a_number_is_never_used_again(opened: Callable[..., Buffer]) -> None:
    kept = opened()
    for number in ("1", "2"):
        kept.append(entry("x"))
        kept.commit()
        assert list(sealed(kept)) == [number]
        kept.delete(number)


def test_layouts_by_category_get_a_batch_for_each(opened: Callable[..., Buffer]) -> None:
    kept = opened()
    for message, category in (("a", "errors"), ("b", "system"), ("c", "errors")):
        kept.append(entry(message, category=category))
    kept.commit()
    assert sealed(kept, by_category=True) == {"errors1": ["a", "c"], "system2": ["b"]}


def test_beyond_the_cap_the_least_severe_and_oldest_go_first(opened: Callable[..., Buffer]) -> None:
    kept = opened(max_bytes=200)
    for number in range(5):
        kept.append(entry(f"error {number}", severity=40))
        kept.append(entry(f"debug {number}", severity=10))
        kept.append(entry(f"info {number}", severity=20))
    kept.commit()
    (left,) = sealed(kept).values()
    assert left == ["error 0", *(f"{kind} {number}" for number in range(1, 5) for kind in ("error", "info"))]
    assert kept.dropped == 6
    assert kept.bytes <= 200


def test_memory_is_bounded_too(opened: Callable[..., Buffer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffer, "PENDING_RECORDS", 2)
    kept = opened()
    for message in ("a", "b", "c"):
        kept.append(entry(message))
    kept.commit()
    assert (sealed(kept), kept.dropped) == ({"1": ["b", "c"]}, 1)


def test_a_disk_that_refuses_costs_nothing_yet(opened: Callable[..., Buffer], tmp_path: Path) -> None:
    kept = opened()
    other = sqlite3.connect(tmp_path / "buffer.sqlite3")
    other.execute("ALTER TABLE records RENAME TO away")
    kept.append(entry("kept"))
    with pytest.raises(NervesysError, match="write the buffer: no such table"):
        kept.commit()
    other.execute("ALTER TABLE away RENAME TO records")
    other.close()
    kept.commit()
    assert sealed(kept) == {"1": ["kept"]}


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("ünï\n", {"message": "ünï\n"}),
        (float("nan"), {"message": None}),
        (b"\xff", {"message": "_w=="}),
        ("half a pair \ud800", {"message": "half a pair ?"}),
        (Path("/x"), {"message": "/x"}),
    ],
)
def test_every_value_becomes_json(opened: Callable[..., Buffer], value: Any, line: dict[str, Any]) -> None:
    kept = opened()
    kept.append(entry(value))
    kept.commit()
    sealed(kept)
    assert json.loads(kept.lines("1")) == line


def test_a_file_that_is_no_buffer(opened: Callable[..., Buffer], tmp_path: Path) -> None:
    (tmp_path / "buffer.sqlite3").write_bytes(b"x" * 4096)
    with pytest.raises(NervesysError, match=r"open the buffer .*: file is not a database"):
        opened()

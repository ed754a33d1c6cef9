"""The event history: appended to by several processes, replayed across segments, whole after any damage.

Covers: nervesys.workspace.log, nervesys.workspace.segments.
"""

import gzip
import logging
import threading
from collections.abc import Iterator
from functools import partial
from itertools import count, islice
from pathlib import Path

import pytest

from nervesys.errors import NervesysError
from nervesys.workspace.history import Event, History
from nervesys.workspace.segments import START, Segments
from tests import waiting

AT = 1_769_854_500.25  # 2026-01-31T10:15:00.250Z


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with History(tmp_path, segment_bytes=2000) as opened:
        yield opened


def numbers(events: Iterator[Event]) -> list[int]:
    return [event["payload"]["n"] for event in events]


until = partial(waiting.until, seconds=30)


def test_an_event_is_one_line_of_json(tmp_path: Path) -> None:
    with History(tmp_path, clock=lambda: AT) as history:
        id_ = history.append("task.done", {"file": "a\nb", "tokens": 3})
    line = (tmp_path / "history.log").read_text()
    assert line == (
        f'{{"id":"{id_}","type":"task.done","timestamp":"2026-01-31T10:15:00.250Z",'
        '"payload":{"file":"a\\nb","tokens":3}}\n'
    )


def test_ids_sort_as_they_were_given_out(tmp_path: Path) -> None:
    clock = (AT + n // 10 / 1000 for n in count())
    with History(tmp_path, clock=lambda: next(clock)) as history:
        ids = [history.append("x") for _ in range(100)]
    assert ids == sorted(set(ids))
    assert {len(id_) for id_ in ids} == {26}
    assert ids[0].startswith("01KG9RRZCT")


def test_replay_crosses_segments_and_begins_at_any_event(history: History, tmp_path: Path) -> None:
    ids = [history.append("x", {"n": n}) for n in range(100)]
    until(lambda: len(list(tmp_path.glob("*.gz"))) > 3 and not list(tmp_path.glob("history.0*.log")))
    assert numbers(history.replay()) == list(range(100))
    assert numbers(history.replay(after=ids[41])) == list(range(42, 100))
    assert numbers(history.replay(after=ids[99])) == []
    assert history.rebuild(lambda total, event: total + event["payload"]["n"], 0, after=ids[97]) == 98 + 99
    with pytest.raises(NervesysError, match="does not hold it"):
        history.replay(after="01ARZ3NDEKTSV4RRFFQ69G5FAV")


def test_a_subscription_follows_every_writer_across_rotations(history: History, tmp_path: Path) -> None:
    history.append("x", {"n": -1})
    subscription = history.subscribe()
    assert numbers(subscription.new()) == []
    with History(tmp_path, segment_bytes=2000) as other:
        for n in range(0, 60, 2):
            history.append("x", {"n": n})
            other.append("x", {"n": n + 1})
        assert numbers(islice(subscription, 60)) == list(range(60))
    waiting = threading.Thread(target=lambda: numbers(iter(subscription)))
    waiting.start()
    subscription.close()
    waiting.join(30)
    assert not waiting.is_alive()


def test_threads_and_processes_share_one_file(history: History, tmp_path: Path) -> None:
    def work(first: int) -> None:
        with History(tmp_path, segment_bytes=2000) as own:
            for n in range(first, first + 50):
                own.append("x", {"n": n})
                history.append("x", {"n": n + 1000})

    threads = [threading.Thread(target=work, args=(first,)) for first in (0, 50, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers(history.replay())) == [*range(150), *range(1000, 1150)]


@pytest.mark.parametrize(
    ("torn", "kept"),
    [
        pytest.param(b'{"id":"01ARZ', 1, id="cut within"),
        pytest.param(b'{"id":"01ARZ","type":"x","timestamp":"","payload":{"n":2}}', 1, id="whole but for its end"),
        pytest.param(b"\0" * 3_000_000, 1, id="a disk that grew the file by zeros"),
    ],
)
def test_a_torn_last_line_is_set_aside(tmp_path: Path, torn: bytes, kept: int) -> None:
    with History(tmp_path) as history:
        history.append("x", {"n": 1})
        with (tmp_path / "history.log").open("ab") as file:
            file.write(torn)
        assert numbers(history.replay()) == [1]
        history.append("x", {"n": 3})
        assert numbers(history.replay()) == [1, 3]
    assert (tmp_path / "history.torn").read_bytes().replace(b"\n", b"") == torn


def test_a_damaged_line_or_segment_costs_only_itself(
    history: History, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for n in range(60):
        history.append("x", {"n": n})
    until(lambda: len(list(tmp_path.glob("*.gz"))) > 2 and not list(tmp_path.glob("history.0*.log")))
    first, second, *_ = sorted(tmp_path.glob("*.gz"))
    whole = numbers(history.replay())
    lines = gzip.decompress(first.read_bytes()).splitlines(keepends=True)
    first.write_bytes(gzip.compress(b"".join([b"not json\n", *lines[1:]])))
    second.write_bytes(second.read_bytes()[:60])
    with caplog.at_level(logging.WARNING):
        kept = numbers(history.replay())
    assert 0 not in kept
    assert kept[-1] == 59
    assert set(range(1, len(lines))) < set(kept) < set(whole)
    assert "skip a line of segment 1" in caplog.text
    assert "skip the rest of segment 2" in caplog.text


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        pytest.param({"text": "x" * 2_000_000}, "at most 1048576", id="too large"),
        pytest.param({"made": object()}, "not JSON serializable", id="no JSON"),
    ],
)
def test_what_cannot_be_kept_is_refused(history: History, payload: dict[str, object], problem: str) -> None:
    with pytest.raises(NervesysError, match=problem):
        history.append("x", payload)
    assert list(history.replay()) == []


def test_a_rotation_cut_short_is_finished(tmp_path: Path) -> None:
    with History(tmp_path) as history:
        history.append("x", {"n": 1})
    (tmp_path / "history.log").rename(tmp_path / "history.000001.log")
    with History(tmp_path) as history:
        history.append("x", {"n": 2})
        until((tmp_path / "history.000001.log.gz").exists)
        until(lambda: not (tmp_path / "history.000001.log").exists())
        assert numbers(history.replay()) == [1, 2]


def test_readers_need_no_writer(tmp_path: Path) -> None:
    assert list(Segments(tmp_path / "none", "history").chunks()) == []
    assert Segments(tmp_path / "none", "history").end() == START


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NervesysError, match=r"open the log .*Not a directory"):
        History(tmp_path / "file" / "project")

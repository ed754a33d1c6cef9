"""Records are sorted in bounded memory."""

import random

import pytest

from nervesys.contract import Category, Level
from nervesys.logs import ordering
from nervesys.logs.entries import LogEntry
from nervesys.logs.ordering import TopEntries, sort_entries


def entries(count: int) -> list[LogEntry]:
    times = [float(at) for at in range(count)]
    random.Random(7).shuffle(times)
    return [LogEntry(at, "grok", "srv-1", Level.INFO, Category.ACTIVITY, "", "", b"{}") for at in times]


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("count", [0, 7, 10, 95])
def test_any_number_is_sorted(monkeypatch: pytest.MonkeyPatch, count: int, newest_first: bool) -> None:
    monkeypatch.setattr(ordering, "RUN_ENTRIES", 10)
    times = [entry.at for entry in sort_entries(entries(count), newest_first=newest_first)]
    assert times == sorted(map(float, range(count)), reverse=newest_first)


@pytest.mark.parametrize(("newest_first", "expected"), [(True, [49.0, 48.0, 47.0]), (False, [0.0, 1.0, 2.0])])
def test_the_first_of_a_direction_are_kept(newest_first: bool, expected: list[float]) -> None:
    top = TopEntries(3, newest_first=newest_first)
    assert top.bound is None
    for entry in entries(50):
        top.add(entry)
    assert [entry.at for entry in top.sorted()] == expected
    assert top.bound == expected[-1]


@pytest.mark.parametrize(("newest_first", "expected"), [(True, [49.0, 48.0]), (False, [0.0, 1.0])])
def test_the_first_that_fit_are_kept_without_a_gap(newest_first: bool, expected: list[float]) -> None:
    top = TopEntries(10, newest_first=newest_first, max_bytes=5)
    for entry in entries(50):
        top.add(entry._replace(line=b"{}"))
    assert [entry.at for entry in top.sorted()] == expected
    assert top.is_shortened
    large = TopEntries(10, newest_first=True, max_bytes=1)
    large.add(entries(1)[0])
    assert (len(large.sorted()), large.is_shortened) == (1, False), "a single record is shown whatever its size"

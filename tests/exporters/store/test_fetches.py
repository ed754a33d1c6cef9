"""An object that cannot be read costs itself; a store that cannot be read fails the pass.

Covers: exporters.store.fetches.
"""

from pathlib import Path

import pytest

from exporters.store.fetches import LONGEST_RETRY_SECONDS, UNREACHABLE_LIMIT, Fetches, Retries
from nervesys.errors import ObjectRefused, StoreUnavailable
from nervesys.stores.objects import ObjectInfo
from tests.exporters.store.bucket import Bucket


@pytest.fixture
def bucket(tmp_path: Path) -> Bucket:
    made = Bucket(tmp_path / "bucket")
    for number in range(30):
        made.lay(f"k{number:02}", b"x", 0)
    return made


def fetch(bucket: Bucket, fetches: Fetches, keys: list[str]) -> dict[str, bytes | StoreUnavailable]:
    return dict(fetches.fetch(keys, str, lambda key: bucket.get(key, max_bytes=1)))


def test_refused_objects_come_with_their_error_whatever_their_place(bucket: Bucket) -> None:
    bucket.refused = {"k00": ObjectRefused, "k02": StoreUnavailable}
    got = fetch(bucket, Fetches(bucket, 2, "t"), ["k00", "k01", "k02"])
    assert got["k01"] == b"x"
    assert {key: type(got[key]) for key in ("k00", "k02")} == bucket.refused


def test_where_nothing_was_ever_read_nothing_shows_that_the_store_is_well(bucket: Bucket) -> None:
    bucket.refused = {"k00": ObjectRefused}
    with pytest.raises(ObjectRefused):
        fetch(bucket, Fetches(bucket, 2, "t"), ["k00"])


def test_an_object_that_was_read_before_shows_it_even_once_it_is_gone(bucket: Bucket) -> None:
    fetches = Fetches(bucket, 2, "t")
    fetch(bucket, fetches, ["k01"])
    bucket.refused = {"k00": ObjectRefused}
    assert isinstance(fetch(bucket, fetches, ["k00"])["k00"], ObjectRefused)
    bucket.delete("k01")
    assert isinstance(fetch(bucket, fetches, ["k00"])["k00"], ObjectRefused)
    bucket.gets_left = 0
    bucket.lay("k01", b"x", 0)
    with pytest.raises(ObjectRefused):
        fetch(bucket, fetches, ["k00"])


def test_a_store_that_goes_away_in_the_middle_ends_the_pass_soon(bucket: Bucket) -> None:
    keys = [f"k{number:02}" for number in range(30)]
    bucket.refused = dict.fromkeys(keys[1:], StoreUnavailable)
    got = Fetches(bucket, 1, "t").fetch(keys, str, lambda key: bucket.get(key, max_bytes=1))
    for _ in range(1 + UNREACHABLE_LIMIT + 1):
        next(got)
    with pytest.raises(StoreUnavailable):
        next(got)


def test_retries_wait_twice_as_long_each_time_and_not_for_a_new_version() -> None:
    retries, old, new = Retries(), ObjectInfo("k", "1", 1, 0), ObjectInfo("k", "2", 1, 0)
    assert retries.due(old, 0)
    retries.failed(old, 0)
    assert [retries.due(old, at) for at in (59, 60)] == [False, True]
    retries.failed(old, 60)
    assert [retries.due(old, at) for at in (179, 180)] == [False, True]
    assert retries.due(new, 61)
    for _ in range(20):
        retries.failed(old, 0)
    assert retries.due(old, LONGEST_RETRY_SECONDS)
    retries.keep_only({"other"})
    assert retries.due(old, 0)

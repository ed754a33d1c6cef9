"""Label values that were seen first keep their series, whatever comes later."""

from pathlib import Path

from exporters.runner import Cache
from exporters.shared.first_seen import FirstSeen


def test_values_seen_first_keep_their_place_also_after_a_restart(tmp_path: Path) -> None:
    seen = FirstSeen(Cache(tmp_path / "cache.sqlite3"), "kinds", 2)
    assert seen.observe("sensor", ["m"]) == ("m",)
    assert seen.observe("sensor", ["z", "m", "n"]) == ("m", "n")
    again = FirstSeen(Cache(tmp_path / "cache.sqlite3"), "kinds", 2)
    assert again.observe("sensor", ["a", "b"]) == ("m", "n")
    assert again.observe("other", ["a"]) == ("a",), "each key has its own"


def test_keys_that_are_gone_are_forgotten(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache.sqlite3")
    seen = FirstSeen(cache, "kinds", 1)
    seen.observe("sensor", ["m"])
    seen.keep_only([])
    assert seen.observe("sensor", ["a"]) == ("a",)
    seen.keep_only(["sensor"])
    assert FirstSeen(cache, "kinds", 1).observe("sensor", ["b"]) == ("a",)

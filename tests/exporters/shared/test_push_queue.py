"""What a pass of the push reads follows what it sends, however much waits."""

from collections.abc import Callable
from pathlib import Path

from exporters.runner import Cache
from exporters.shared.push_queue import AHEAD, PushQueue
from nervesys.stores.objects import ObjectInfo


def objects(numbers: range) -> list[ObjectInfo]:
    return [ObjectInfo(f"logs/{number:06}", "v", 1, float(number)) for number in numbers]


def instructions(cache: Cache, run: Callable[[], object]) -> int:
    """How many instructions SQLite carries out."""
    steps = [0]

    def count() -> int:
        steps[0] += 1
        return 0

    with cache.transaction() as db:
        db.set_progress_handler(count, 1)
    run()
    with cache.transaction() as db:
        db.set_progress_handler(None, 0)
    return steps[0]


def test_a_pass_costs_the_same_however_much_waits() -> None:
    def costs(waiting: int) -> int:
        cache = Cache()
        queue = PushQueue(cache, "log-push")
        with cache.transaction() as db:
            queue.add(db, objects(range(waiting)))

        def a_pass() -> None:
            for key, _ in queue.oldest():
                queue.advance(key, 1)
                queue.remove(key)
            assert queue.waiting() == (waiting - AHEAD, float(AHEAD))

        return instructions(cache, a_pass)

    assert costs(20_000) < 1.5 * costs(200)


def test_what_waits_is_counted_over_restarts_and_each_object_once(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    queue, other = PushQueue(cache, "log-push"), PushQueue(cache, "trace-push")
    for _ in range(2):
        with cache.transaction() as db:
            queue.add(db, objects(range(3)))
    queue.advance("logs/000000", 7)
    queue.remove("logs/000001")
    queue.remove("logs/000001")
    cache.close()
    cache = Cache(tmp_path / "cache")
    queue, other = PushQueue(cache, "log-push"), PushQueue(cache, "trace-push")
    assert queue.waiting() == (2, 0.0)
    assert queue.oldest() == [("logs/000000", 7), ("logs/000002", 0)]
    assert (other.waiting(), other.oldest()) == ((0, None), [])


def test_a_queue_of_an_earlier_version_is_taken_over() -> None:
    cache = Cache()
    cache.keep_bodies("log-push", [("logs/b", f"{2:017.6f}", b"5"), ("logs/a", f"{1:017.6f}", b"0")])
    queue = PushQueue(cache, "log-push")
    assert (queue.waiting(), queue.oldest()) == ((2, 1.0), [("logs/a", 0), ("logs/b", 5)])
    assert cache.bodies("log-push") == []

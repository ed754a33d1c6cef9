"""A round, complete and killed at every step: no record is ever without a copy, and each is archived once.

Covers: nervesys.agent.round.run, nervesys.agent.round.merge.
"""

import gzip
import io
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO, Any

import pytest

from nervesys.agent.round import Round
from nervesys.errors import ArchiveUnavailable, NervesysError
from nervesys.stores.folder import FolderArchive
from nervesys.stores.objects import Listing
from tests import otlp
from tests.nervesys.agent.round.kit import DUE, KEPT, NOW, STORAGE, World, line

SOME = ("activity a", "errors b", "activity a", "audit c", "gossip d")
MORE = ("activity e", "system f")
ALL = Counter("aabcdef")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return filled(tmp_path)


def filled(folder: Path) -> World:
    world = World(folder)
    world.ship(DUE, *SOME)
    world.ship(DUE, *MORE, seq=2, agent="gimai")
    return world


def test_due_logs_move_to_the_archive_by_category(world: World) -> None:
    kept = world.ship(KEPT, "activity young")
    assert world.run() == []
    assert sorted(path.name for path in world.cold.rglob("*.gz")) == [
        f"host-1_{DUE}_{category}.json.gz" for category in ("activity", "audit", "errors", "system")
    ]
    assert world.in_archive() == ALL
    assert [info.key for info in world.store.list("").objects] == [kept]


def test_due_traces_move_to_one_file_of_their_day(tmp_path: Path) -> None:
    world, lines = World(tmp_path), [otlp.line(otlp.chat()), otlp.line(otlp.chat())]
    for number, body in enumerate(lines):
        world.store.put(f"db/traces/host-1/{DUE}/12000{number}_grok_1.jsonl.gz", gzip.compress(body))
    assert world.run() == []
    assert not world.store.list("").objects
    (kept,) = world.cold.rglob("*.gz")
    assert kept.relative_to(world.cold).as_posix() == f"Archive/traces/2026/01/host-1_{DUE}.jsonl.gz"
    assert gzip.decompress(kept.read_bytes()) == b"".join(lines)


def test_a_latecomer_joins_its_day(world: World) -> None:
    world.run()
    world.ship(DUE, "activity late", seq=3)
    world.run()
    assert world.in_archive() == ALL + Counter(["late"])


def test_of_equal_lines_as_many_are_kept_as_were_logged(world: World) -> None:
    world.run()
    world.ship(DUE, "activity e", "activity e", "activity e", seq=3)  # of these, one lies there
    world.run()
    assert world.in_archive() == ALL + Counter("ee")


def test_what_is_no_record_is_archived_all_the_same(tmp_path: Path) -> None:
    world = World(tmp_path)
    key = f"db/active_logs/host-1/{DUE}/120000_grok_00000001.jsonl.gz"
    world.store.put(key, gzip.compress(b"Segmentation fault\n\n" + line(DUE, "audit a").rstrip()))
    world.run()
    kept = (world.cold / f"Archive/logs/2026/01/host-1_{DUE}_system.json.gz").read_bytes()
    assert gzip.decompress(kept) == b"Segmentation fault\n"
    assert (world.cold / f"Archive/logs/2026/01/host-1_{DUE}_audit.json.gz").is_file()


def test_a_file_of_the_archive_that_cannot_be_read_is_not_overwritten(world: World) -> None:
    world.archive.put(f"Archive/logs/2026/01/host-1_{DUE}_audit.json.gz", b"no gzip")
    world.ship("2026-01-11", "activity older")
    (problem,) = world.run()
    assert problem.startswith(f"host-1 {DUE} stays in the store: bad_gzip: ")
    assert len(world.store.list("").objects) == 2
    assert len(list(world.cold.rglob("*2026-01-11_activity*"))) == 1


@pytest.mark.parametrize("cut", [0, 1, 20], ids=["none of it", "the last byte", "half of it"])
def test_a_damaged_object_is_archived_as_it_is_and_keeps_no_day_in_the_store(world: World, cut: int) -> None:
    key = world.ship(DUE, "activity x", seq=3)
    body = (world.bucket / key).read_bytes()[:-cut] if cut else b"no gzip"
    (world.bucket / key).write_bytes(body)
    (problem,) = world.run()
    assert problem == f"{key} is damaged: archived as it is, with the lines before the damage"
    assert not world.store.list("").objects
    kept = world.cold / "Archive/damaged_logs/host-1" / DUE / key.rsplit("/", 1)[-1]
    assert kept.read_bytes() == body
    kept.unlink()
    assert ALL <= world.in_archive() <= ALL + Counter("x")


def test_an_object_with_trailing_bytes_is_not_damaged(world: World) -> None:
    key = world.ship(DUE, "activity x", seq=3)
    (world.bucket / key).write_bytes((world.bucket / key).read_bytes() + b"trailing")
    assert world.run() == []
    assert world.in_archive() == ALL + Counter("x")


def test_retention_works_in_store_and_archive(world: World) -> None:
    old = "Backups/full_backup_2025-12-20.tar.gz"
    world.archive.put(old, b"old")
    world.store.put("db/metrics/host-1/2026-01-12/10/0000_grok.json", b"{}")
    world.run()
    assert not (world.cold / old).exists()
    assert world.store.list("").objects == ()


def test_what_arrives_damaged_deletes_nothing(world: World) -> None:
    class Damaging(FolderArchive):
        @contextmanager
        def open(self, path: str) -> Iterator[IO[bytes]]:
            with super().open(path):
                yield io.BytesIO(b"damaged")

    with pytest.raises(ArchiveUnavailable, match="differs from what was sent"):
        world.run(archive=Damaging(world.cold))
    assert world.in_store() == ALL


def test_clocks_that_differ_delete_nothing(world: World) -> None:
    class Ahead:
        def list(self, prefix: str) -> Listing:
            return Listing((), clock=NOW - 2 * 3600)

    with pytest.raises(NervesysError, match="7200 s apart"):
        Round(Ahead(), world.archive, STORAGE, lambda: NOW).plan()  # type: ignore[arg-type]


class Killed(Exception):
    """The process is gone."""


class Killer:
    """Kills at one step, before it or after it."""

    def __init__(self, step: int | None = None, *, after: bool = False) -> None:
        self.step, self.after, self.steps = step, after, count(1)
        self.last = 0

    def call(self, work: Any, *args: Any, **more: Any) -> Any:
        self.last = next(self.steps)
        if self.last == self.step and not self.after:
            raise Killed
        try:
            return work(*args, **more)
        finally:
            if self.last == self.step:
                raise Killed


class Faulty:
    """A store or an archive whose calls the killer sees."""

    def __init__(self, inner: Any, killer: Killer) -> None:
        self._inner, self._killer = inner, killer

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        return (lambda *args, **more: self._killer.call(value, *args, **more)) if callable(value) else value


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_step_nothing_is_lost(tmp_path: Path, after: bool) -> None:
    whole = Killer()
    world = filled(tmp_path / "whole")
    world.run(Faulty(world.store, whole), Faulty(world.archive, whole))
    table = ["step kept lost doubled"]
    for step in range(1, whole.last + 1):
        world = filled(tmp_path / str(step))
        killer = Killer(step, after=after)
        with pytest.raises(Killed):
            world.run(Faulty(world.store, killer), Faulty(world.archive, killer))
        lost = ALL - (world.in_store() | world.in_archive())
        world.run()
        kept = world.in_archive()
        table.append(f"{step} {kept.total()} {(lost + (ALL - kept)).total()} {(kept - ALL).total()}")
        assert not world.in_store()
    assert table[1:] == [f"{step} {ALL.total()} 0 0" for step in range(1, whole.last + 1)], "\n".join(table)
    assert whole.last > 15

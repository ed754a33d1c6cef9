"""One round a day for a whole fleet: the lease, the full backup, and what is pushed to the brain.

Covers: nervesys.agent.round.daily, nervesys.agent.round.day_description, nervesys.agent.round.leader,
nervesys.agent.round.backups.
"""

import io
import tarfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest

from nervesys.agent.round import DailyRound, Leader, NotLeader, Round, open_describer
from nervesys.agent.round.leader import LEASE_SECONDS
from nervesys.contract import DailySummary, RestoreDrill, RoundLease
from nervesys.errors import ArchiveUnavailable, NervesysError, StoreUnavailable
from nervesys.settings import FolderTree, load, shipped_root
from nervesys.stores.brain import GitBrain
from nervesys.stores.folder import FolderArchive
from nervesys.stores.objects import gone
from tests.brains import read, write
from tests.nervesys.agent.round.kit import DUE, NOW, STORAGE, World
from tests.servers.model import model_server
from tests.stores import FolderStore

DAY = 86_400
YESTERDAY = "2026-01-19"
TREE = FolderTree(shipped_root())


def quiet(_: str) -> None:
    """Nobody listens."""


Who = Callable[..., Leader]
Wait = Callable[..., None]


def current_lease(folder: Path) -> RoundLease:
    return RoundLease.parse(read(folder / "brain.git", "state/round.json"))


@pytest.fixture
def who(tmp_path: Path) -> Who:
    """Makes a leader, each with a mirror of its own."""
    write(tmp_path / "brain.git", {"x": b""})

    def make(name: str, now: float = NOW) -> Leader:
        brain = GitBrain(str(tmp_path / "brain.git"), tmp_path / f"mirror-{name}", timeout_seconds=30)
        return Leader(brain, name, lambda: now)

    return make


def test_only_one_program_holds_the_lease(who: Who) -> None:
    who("grok").take()
    with pytest.raises(NotLeader, match="grok is running the round"):
        who("gimai").take()
    day = who("grok").take()  # restarted
    who("grok").done(day)
    for name in ("grok", "gimai"):
        with pytest.raises(NotLeader, match="today's round was done by grok"):
            who(name).take()
    who("gimai").take(again=True)
    with pytest.raises(NotLeader, match="today's round was done by gimai"):  # it was, whoever does it again
        who("grok").take()


def test_a_leader_that_fell_silent_is_replaced_and_a_new_day_is_anybody_s(who: Who) -> None:
    who("grok").take()
    day = who("gimai", NOW + LEASE_SECONDS + 1).take()
    who("gimai", NOW + LEASE_SECONDS + 1).done(day)
    who("deepseek", NOW + DAY).take()


def test_a_round_that_ends_after_midnight_leaves_the_next_day_to_be_done(who: Who, tmp_path: Path) -> None:
    day = who("grok").take()
    who("grok", NOW + DAY).done(day)
    tomorrow = who("gimai", NOW + DAY + 1).take()
    who("grok", NOW + DAY + 2).done(day)
    assert current_lease(tmp_path).holder == "gimai", "the lease of another program stays"
    who("gimai", NOW + DAY + 3).done(tomorrow)
    who("grok", NOW + DAY + 4).done(day)
    assert current_lease(tmp_path).done == tomorrow, "a day that is done stays so"


def test_the_lease_is_renewed_while_the_round_runs(who: Who, tmp_path: Path, wait_until: Wait) -> None:
    clock = [NOW]
    leader = replace(who("grok"), clock=lambda: clock[0], renew_seconds=0.05)
    leader.take()
    with leader.renewing() as lost:
        for _ in range(2):
            clock[0] += 0.9 * LEASE_SECONDS
            wait_until(lambda: current_lease(tmp_path).until == clock[0] + LEASE_SECONDS, 60)
        with pytest.raises(NotLeader, match="grok is running the round"):
            who("gimai", clock[0] + 1).take()
        assert not lost.is_set()
        who("gimai", clock[0] + LEASE_SECONDS + DAY).take()
        assert lost.wait(60)
    assert current_lease(tmp_path).holder == "gimai"


def test_a_round_that_lost_its_lease_ends_at_its_next_step(who: Who, tmp_path: Path, wait_until: Wait) -> None:
    world = World(tmp_path / "world")
    world.ship(DUE, "activity old")
    leader = replace(who("grok"), renew_seconds=0.05)

    def progress(_step: str) -> None:
        who("gimai", NOW + 2 * LEASE_SECONDS).take(again=True)
        wait_until(lambda: not any(thread.name == "round lease" for thread in threading.enumerate()), 60)

    with pytest.raises(NotLeader, match="the lease was lost"):
        DailyRound(world.round(), TREE, leader).run(progress)
    assert world.in_store(), "nothing was deleted"


def test_a_broken_lease_holds_nobody_up(who: Who, tmp_path: Path) -> None:
    write(tmp_path / "brain.git", {"state/round.json": b"{"}, branch="state")
    who("grok").take()


def test_the_day_is_archived_backed_up_and_summed_up(who: Who, tmp_path: Path) -> None:
    world = World(tmp_path / "world")
    world.ship(DUE, "activity old")
    world.ship(YESTERDAY, "activity a", "errors b", "gossip c")
    (world.bucket / world.ship(YESTERDAY, seq=2)).write_bytes(b"no gzip")
    world.store.put("databases/grok/memory.sqlite3", b"rows")
    messages: list[str] = []
    DailyRound(world.round(), TREE, who("grok")).run(messages.append)

    assert len(list(world.cold.rglob(f"host-1_{DUE}_activity.json.gz"))) == 1
    body = (world.cold / "Backups/full_backup_2026-01-20.tar.gz").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        names = tar.getnames()
        assert b"store/databases/grok/memory.sqlite3" in tar.extractfile("SHA256SUMS").read()  # type: ignore[union-attr]
    assert (world.cold / "Backups/full_backup_2026-01-20.jsonl.gz").is_file()
    assert "config/storage.yaml" in names
    assert (world.bucket / "config_backups/daily/2026-01-20.tar.gz").is_file()
    day = DailySummary.parse(read(tmp_path / "brain.git", f"metrics/daily/{YESTERDAY}.json"))
    assert (day.agents, day.log_records, day.errors) == (1, 3, 1)
    assert sum("not in the summary: bad_gzip" in line for line in messages) == 1
    with pytest.raises(NotLeader, match="today's round was done by grok"):
        who("gimai").take()

    again: list[str] = []
    DailyRound(world.round(), TREE, who("grok")).run(again.append, again=True)
    assert again == [], "everything is there"


def test_a_backup_that_arrived_damaged_ends_the_round_before_anything_is_deleted(tmp_path: Path) -> None:
    class Damaging(FolderArchive):
        def put(self, path: str, body: bytes | IO[bytes]) -> None:
            super().put(path, b"half" if path.startswith("Backups/") else body)

    world = World(tmp_path)
    world.ship(DUE, "activity old")
    with pytest.raises(ArchiveUnavailable, match="differs from what was sent"):
        DailyRound(world.round(archive=Damaging(world.cold)), TREE, None).run(quiet)
    assert world.in_store() == Counter(["old"])


def test_an_object_that_went_away_costs_itself_alone_and_not_the_backup(tmp_path: Path) -> None:
    class Vanishing(FolderStore):
        @contextmanager
        def open(self, key: str) -> Iterator[IO[bytes]]:
            if key.startswith("databases/"):
                raise gone(key)
            with super().open(key) as stream:
                yield stream

    world = World(tmp_path)
    world.ship(DUE, "activity old")
    world.store.put("databases/grok/memory.sqlite3", b"rows")
    messages: list[str] = []
    assert DailyRound(world.round(store=Vanishing(world.bucket)), TREE, None).run(messages.append) == []
    assert "store/databases/grok/memory.sqlite3: not contained: deleted meanwhile" in messages
    assert len(list(world.cold.rglob("full_backup*"))) == 2
    assert world.in_archive() == Counter(["old"])


def test_now_and_then_the_leader_tries_whether_its_backup_comes_back(who: Who, tmp_path: Path) -> None:
    world = World(tmp_path / "world")
    drills: list[RestoreDrill] = []

    def on(day: int, drill_days: int | None = 7) -> list[str]:
        """What is wrong on a day; the drill that is recorded by then is added to the others."""
        storage = STORAGE.model_copy(update={"round": STORAGE.round.model_copy(update={"drill_days": drill_days})})
        now = NOW + day * DAY
        trouble = DailyRound(Round(world.store, world.archive, storage, lambda: now), TREE, who("grok", now)).run(quiet)
        if drill_days:
            drills.append(RestoreDrill.parse(read(tmp_path / "brain.git", "state/restore_drill.json")))
        return trouble

    assert on(0, None) == []
    with pytest.raises(KeyError):
        read(tmp_path / "brain.git", "state/restore_drill.json")
    assert (on(1), on(7)) == ([], [])
    assert drills[0] == drills[1], "not due"
    assert (drills[0].succeeded, drills[0].by, drills[0].timestamp) == (True, "grok", NOW + DAY)
    assert drills[0].backup == "Backups/full_backup_2026-01-21.tar.gz"
    for end in ("tar.gz", "jsonl.gz"):
        (world.cold / f"Backups/full_backup_2026-01-28.{end}").write_bytes(b"no backup")
    (trouble,) = on(8)
    assert "the restore drill failed: bad_gzip" in trouble
    assert on(9) == []
    assert [(drill.succeeded, drill.timestamp) for drill in drills[2:]] == [
        (False, NOW + 8 * DAY),
        (True, NOW + 9 * DAY),
    ]


def test_an_interrupted_round_is_done_by_whoever_led_it(who: Who, tmp_path: Path) -> None:
    world = World(tmp_path / "world")
    world.ship(DUE, "activity old")

    class Down:
        def __getattr__(self, name: str) -> object:
            raise StoreUnavailable("down")

    with pytest.raises(StoreUnavailable):
        DailyRound(world.round(store=Down()), TREE, who("grok")).run(quiet)  # type: ignore[arg-type]
    with pytest.raises(NotLeader):
        DailyRound(world.round(), TREE, who("gimai")).run(quiet)
    DailyRound(world.round(), TREE, who("grok")).run(quiet)
    assert not world.in_store()


def test_reports_are_the_leader_s_and_come_before_retention(who: Who, tmp_path: Path) -> None:
    world = World(tmp_path / "world")
    key = world.ship(DUE, "activity old")
    made: list[bool] = []

    def reports(_: object) -> None:
        made.append((world.bucket / key).exists())

    DailyRound(world.round(), TREE, who("grok"), reports).run(quiet)
    with pytest.raises(NotLeader):
        DailyRound(world.round(), TREE, who("gimai"), reports).run(quiet)
    assert made == [True], "once, and while the logs of the day were there"


def test_a_report_that_fails_leaves_the_round_open_and_holds_up_nothing(who: Who, tmp_path: Path) -> None:
    world = World(tmp_path / "world")
    world.ship(DUE, "activity old")

    def failing(_: object) -> None:
        raise NervesysError("nobody answers")

    with pytest.raises(NervesysError, match="reports are still due: nobody answers"):
        DailyRound(world.round(), TREE, who("grok"), failing).run(quiet)
    assert not world.in_store(), "all else is done"
    done: list[str] = []
    DailyRound(world.round(), TREE, who("grok"), lambda _: done.append("made")).run(quiet)
    assert done == ["made"], "the next look makes it"


def test_without_a_repository_there_is_no_leader_and_no_summary(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.ship(DUE, "activity old")
    assert DailyRound(world.round(), TREE, None).run(quiet) == []
    assert len(list(world.cold.rglob("*.gz"))) == 3, "a day of logs, the backup, and its manifest"


def test_a_model_describes_the_day_and_without_its_answer_there_is_no_description(who: Who, tmp_path: Path) -> None:
    world = World(tmp_path / "world")
    world.ship(YESTERDAY, "errors boom", "errors boom")
    with model_server() as model:
        cloud = load().settings.alibaba.alibaba_cloud.model_copy(update={"enabled": True, "base_url": model.url})
        words = open_describer(cloud, tmp_path / "memory.sqlite3", lambda: NOW)
        model.status, messages = 500, list[str]()
        assert words(DailySummary(date=YESTERDAY), messages.append) is None
        assert messages == [f"no description of {YESTERDAY}: ask qwen-plus at {model.url}: status 500"]
        model.status, model.content = 200, "A day of two errors."
        later = open_describer(cloud, tmp_path / "memory.sqlite3", lambda: NOW)
        DailyRound(world.round(), TREE, who("grok"), words=later).run(quiet)
        assert '"top_errors": {": boom": 2.0}' in model.asked[-1]["messages"][1]["content"]
    summary = DailySummary.parse(read(tmp_path / "brain.git", f"metrics/daily/{YESTERDAY}.json"))
    assert summary.analysis == "A day of two errors."

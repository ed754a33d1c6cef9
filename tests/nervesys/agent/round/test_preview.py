"""The preview of a round names every step that the round then takes, and changes nothing."""

import json
from pathlib import Path

import pytest

from nervesys.agent.round import DailyRound, Leader, preview
from nervesys.settings import FolderTree, shipped_root
from nervesys.stores.brain import GitBrain
from tests.brains import write
from tests.nervesys.agent.round.kit import DUE, NOW, World

TREE = FolderTree(shipped_root())
REPORT = "daily-2026-01-19"


@pytest.fixture
def leader(tmp_path: Path) -> Leader:
    write(tmp_path / "brain.git", {"config/monitoring.yaml": b"{}\n"})
    return Leader(GitBrain(str(tmp_path / "brain.git"), tmp_path / "mirror", timeout_seconds=30), "ops", lambda: NOW)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_every_step_is_named_and_nothing_changes(tmp_path: Path, leader: Leader) -> None:
    world = World(tmp_path / "world")
    world.ship(DUE, "activity x")
    world.store.put("db/metrics/host-1/2026-01-02/12/0000_grok.json", b"{}")
    learned = {"/deploy/window": {"value": "night", "timestamp": "2026-01-19T00:00:00Z"}}
    world.store.put("shared/knowledge/grok.json", json.dumps({"learned": learned}).encode())
    daily = DailyRound(
        world.round(),
        TREE,
        leader,
        lambda progress: progress(f"{REPORT}: written"),
        log_words=lambda _day, _lines, _progress: b"a summary",
    )

    def lines(*reports: str) -> list[str]:
        return list(preview(daily, lambda: reports, daily.round.plan()))

    before = files(tmp_path / "world"), leader.brain.url
    promised = lines(REPORT)
    assert (files(tmp_path / "world"), leader.brain.tree("state")) == (before[0], None)
    assert [line.partition(",")[0] for line in promised] == [
        "to push: the summary of 2026-01-19 to the brain",
        "to write: a summary of the logs by the language model",
        f"to report: {REPORT}",
        "to write: the backup of the configuration",
        "to merge: the agents' knowledge",
        "to write: the full backup",
        f"to archive: host-1 {DUE}",
        "to delete: 1 object of metrics",
    ]
    done: list[str] = []
    assert daily.run(done.append) == []
    assert len(done) == len(promised) - 1, "all but the backup of the configuration are reported"
    assert lines() == [], "and nothing is left"


def test_a_round_that_another_runs_is_named(tmp_path: Path, leader: Leader) -> None:
    other = Leader(GitBrain(leader.brain.url, tmp_path / "other", timeout_seconds=30), "grok@host-1", lambda: NOW)
    other.take()
    world = World(tmp_path / "world")
    first = next(preview(DailyRound(world.round(), TREE, leader), lambda: (), world.round().plan()))
    assert first == "nothing can be done now: grok@host-1 is running the round"

"""Errors that recur go into the knowledge base by themselves, with what is known about them.

Covers: nervesys.agent.round.error_history, nervesys.agent.round.error_causes, nervesys.agent.round.error_learning.
"""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyrage
import pytest
from pydantic import SecretStr

from nervesys.agent.round import DailyRound
from nervesys.agent.round.error_history import FORGET_SECONDS, ErrorDay, ErrorHistory, RecurringError
from nervesys.agent.round.error_learning import NEW_A_DAY
from nervesys.agent.round.leader import Leader
from nervesys.agent.round.run import Round
from nervesys.contract.knowledge import LEARNED
from nervesys.contract.times import DAY_SECONDS, format_time, parse_time
from nervesys.settings import FolderTree, shipped_root
from nervesys.stores.brain import GitBrain
from nervesys.stores.encryption import set_identity
from tests.brains import write
from tests.nervesys.agent.round.kit import STORAGE, World

TREE = FolderTree(shipped_root())
FIRST = "2026-01-13"
KEY = "shared/error_history.json"


def at(day: int, hour: float = 12) -> float:
    """An instant, by the number of the day."""
    return parse_time(FIRST) + day * DAY_SECONDS + hour * 3600


class Days:
    """A fleet over some days, with a brain; each day's round runs at 3 o'clock of the next."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.world, self.repository = folder, World(folder / "world"), folder / "brain.git"
        self.configure(-30, "config/agents/grok.yaml", "Add grok")
        self.storage = STORAGE

    def configure(self, day: float, path: str, message: str, hour: float = 12) -> str:
        body = f"{message}\n".encode()
        return write(self.repository, {path: body}, when=int(at(int(day), hour)), message=message, author="ada")

    def ship(self, day: int, *records: dict[str, Any]) -> None:
        date = format_time(at(day))[:10]
        number = len(list(self.world.bucket.rglob("*.gz")))
        key = f"db/active_logs/host-1/{date}/120000_all_{number:08}.jsonl.gz"
        self.world.store.put(key, gzip.compress(b"".join(json.dumps(fields).encode() + b"\n" for fields in records)))

    def round(self, day: int) -> list[str]:
        """The round after a day."""
        now = at(day + 1, 3)
        brain = GitBrain(str(self.repository), self.folder / "mirror", timeout_seconds=30)
        progress: list[str] = []
        day_round = Round(self.world.store, self.world.archive, self.storage, lambda: now)
        problems = DailyRound(day_round, TREE, Leader(brain, "grok", lambda: now)).run(progress.append, again=True)
        return [*problems, *progress]

    @property
    def learned(self) -> list[dict[str, Any]]:
        path = self.world.bucket / STORAGE.storj.paths.shared
        return list(json.loads(path.read_bytes()).get("errors", {}).values()) if path.exists() else []


def error(day: int, agent: str = "grok", message: str = "took 5 s", hour: float = 12) -> dict[str, Any]:
    fields = {"level": "ERROR", "category": "errors", "action": "review", "message": message}
    return {"timestamp": format_time(at(day, hour)), "agent_id": agent, **fields}


def other(day: int, agent: str = "grok", message: str = "fine", hour: float = 20) -> dict[str, Any]:
    fields = {"level": "INFO", "category": "system", "action": "x", "message": message}
    return {"timestamp": format_time(at(day, hour)), "agent_id": agent, **fields}


@pytest.fixture
def days(tmp_path: Path) -> Days:
    return Days(tmp_path)


def test_an_error_of_two_days_is_learned_with_its_history(days: Days) -> None:
    days.ship(0, error(0), error(0, message="took 17 s", hour=13), error(0, message="only once"))
    days.round(0)
    assert days.learned == [], "seen on one day at one agent"
    days.ship(1, error(1))
    days.round(1)
    [learned] = days.learned
    assert learned["configuration"][0].pop("commit")
    assert learned == {
        "error": "took 5 s",
        "action": "review",
        "first_seen": "2026-01-13T12:00:00.000Z",
        "last_seen": "2026-01-14T12:00:00.000Z",
        "days": 2,
        "count": 3,
        "agents": ["grok"],
        "configuration": [{"agent": "grok", "author": "ada", "at": "2025-12-14T12:00:00.000Z", "subject": "Add grok"}],
        "ended": [],
    }


def test_an_error_at_three_agents_is_learned_on_the_first_day(days: Days) -> None:
    days.ship(0, *(error(0, agent) for agent in ("grok", "gimai", "qwen", "qwen")))
    days.round(0)
    assert [(learned["agents"], learned["count"]) for learned in days.learned] == [(["qwen", "gimai", "grok"], 4)]


def test_a_round_that_is_run_again_or_after_a_crash_changes_nothing(days: Days) -> None:
    days.ship(0, *(error(0, agent) for agent in ("grok", "gimai", "qwen")))
    days.round(0)
    before = (days.world.bucket / STORAGE.storj.paths.shared).read_bytes()
    assert not [line for line in days.round(0) if "merged" in line]
    (days.world.bucket / STORAGE.storj.paths.shared).unlink()  # as if it had ended before the merge
    days.round(0)
    assert (days.world.bucket / STORAGE.storj.paths.shared).read_bytes() == before


Change = Callable[[Days], Any]


def started(hour: float) -> Change:
    return lambda days: days.ship(1, other(1, message="agent grok starts on host-1 as 7", hour=hour))


def configured(agent: str) -> Change:
    return lambda days: days.configure(1, f"config/agents/{agent}.yaml", "Allow more time", hour=15)


@pytest.mark.parametrize(
    ("change", "by", "what"),
    [
        (lambda _: None, "unknown", ""),
        (configured("grok"), "configuration", "by ada: Allow more time"),
        (configured("default"), "configuration", "by ada: Allow more time"),
        (configured("qwen"), "unknown", ""),
        (started(14), "restart", "restart of grok"),
        (started(11), "unknown", ""),
    ],
    ids=["nothing", "commit", "commit for all", "commit for another", "restart", "restart before"],
)
def test_what_ended_an_error_is_the_first_change_after_its_last(days: Days, change: Change, by: str, what: str) -> None:
    days.ship(0, error(0))
    days.ship(1, error(1))
    change(days)
    days.ship(2, other(2))
    for day in range(3):
        days.round(day)
    [learned] = days.learned
    [ended] = learned["ended"]
    assert ended["by"] == by
    assert what in ended["what"]


def test_a_restart_after_an_alert_is_an_action_of_the_receiver(days: Days) -> None:
    alert = {"timestamp": format_time(at(1, 13)), "alert": "Agent Looping", "status": "firing", "agent": "grok"}
    write(
        days.repository,
        {"logs/alerts/2026-01-14.jsonl": b"torn\n" + json.dumps(alert).encode()},
        branch="state",
    )
    days.ship(0, error(0))
    days.ship(1, error(1), other(1, message="agent grok starts on host-1 as 7", hour=14))
    days.ship(2, other(2))
    for day in range(3):
        days.round(day)
    assert days.learned[0]["ended"] == [
        {"by": "action", "at": "2026-01-14T14:00:00.000Z", "what": "restart of grok after the alert Agent Looping"}
    ]


def test_an_error_of_an_agent_that_is_away_has_not_ended_and_one_that_comes_back_goes_on(days: Days) -> None:
    days.ship(0, error(0))
    days.ship(1, error(1))
    days.ship(2, other(2, "qwen"))
    days.ship(3, other(3))
    days.ship(4, error(4))
    found = []
    for day in range(5):
        days.round(day)
        found.append([learned["ended"] != [] for learned in days.learned])
    assert found == [[], [False], [False], [True], [False]]


def test_without_a_readable_history_nothing_is_learned_or_overwritten(days: Days) -> None:
    days.world.store.put(KEY, b"{torn")
    days.ship(0, error(0))
    assert [line for line in days.round(0) if "repair or delete it" in line and KEY in line]
    assert (days.world.bucket / KEY).read_bytes() == b"{torn"


def test_the_history_is_encrypted_as_the_knowledge_base_is(days: Days) -> None:
    ours = pyrage.x25519.Identity.generate()
    sealed = STORAGE.encryption.model_copy(update={"recipients": (str(ours.to_public()),), "between_agents": True})
    days.storage = STORAGE.model_copy(update={"encryption": sealed})
    set_identity(SecretStr(str(ours)))
    try:
        days.ship(0, error(0))
        days.round(0)
        assert (days.world.bucket / KEY).read_bytes().startswith(b"age-encryption.org/v1\n")
        days.ship(1, error(1))
        assert not [line for line in days.round(1) if "repair" in line]
    finally:
        set_identity(None)


def test_old_kinds_are_forgotten_unless_they_recur() -> None:
    once, twice = (
        RecurringError(error="e", action="a", first_seen=at(0), last_seen=at(0), days=days, count=1, agents={"grok": 1})
        for days in (["2026-01-13"], ["2026-01-12", "2026-01-13"])
    )
    history = ErrorHistory(last_day=FIRST, kinds={"once": once, "twice": twice})
    history.add_day(ErrorDay(format_time(at(1) + FORGET_SECONDS)[:10]))
    assert set(history.kinds) == {"twice"}


def test_a_flood_of_kinds_is_bounded(days: Days) -> None:
    words = [f"{first}{second}" for first in "abcdef" for second in "ghijklm"]
    days.ship(0, *(error(0, agent, f"no {word}") for agent in ("grok", "gimai", "qwen") for word in words))
    days.round(0)
    assert len(days.learned) == NEW_A_DAY < len(words)
    statements = json.loads((days.world.bucket / STORAGE.storj.paths.shared).read_bytes())[LEARNED]
    assert {writer for agents in statements.values() for writer in agents} == {"daily-round"}

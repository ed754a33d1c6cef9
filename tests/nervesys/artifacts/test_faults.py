"""What was put is kept, whoever is killed; the short form of `faults`."""

from pathlib import Path

import pytest

from tests.nervesys.artifacts import faults


@pytest.mark.parametrize(("agents", "serving"), [(True, False), (True, True)], ids=["agents", "both sides"])
def test_kills_lose_nothing(tmp_path: Path, agents: bool, serving: bool) -> None:
    outcome = faults.kills(tmp_path, 3, agents=agents, serving=serving)
    assert outcome.written > 5
    assert outcome.lost == 0


def test_a_full_disk_costs_only_what_was_refused(tmp_path: Path) -> None:
    outcome = faults.full_disk(tmp_path)
    assert outcome.written > 20
    assert outcome.lost == 0


def test_damage_costs_only_what_is_damaged(tmp_path: Path) -> None:
    assert faults.corrupt(tmp_path).lost == 0

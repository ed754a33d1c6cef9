"""What was put is kept, whoever is killed; the short form of `faults`."""

from pathlib import Path

from tests.nervesys.artifacts import faults


def test_kills_of_agents_and_service_lose_nothing(tmp_path: Path) -> None:
    outcome = faults.kills(tmp_path, 3, agents=True, serving=True)
    assert outcome.written > 5
    assert outcome.lost == 0


def test_a_full_disk_costs_only_what_was_refused(tmp_path: Path) -> None:
    outcome = faults.full_disk(tmp_path)
    assert outcome.written > 20
    assert outcome.lost == 0


def test_damage_costs_only_what_is_damaged(tmp_path: Path) -> None:
    assert faults.corrupt(tmp_path).lost == 0

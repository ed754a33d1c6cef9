"""What was promised to be kept is kept, whatever happens to writer and disk; the short form of `faults`."""

from pathlib import Path

import pytest

from tests.nervesys.workspace import faults


@pytest.mark.parametrize("work", [faults.EVENTS, faults.FILES], ids=lambda work: work.name)
def test_kills_lose_nothing(tmp_path: Path, work: faults.Work) -> None:
    outcome = faults.kills(tmp_path, 5, work)
    assert outcome.written > 20
    assert outcome.lost == 0


def test_a_full_disk_costs_only_what_was_refused(tmp_path: Path) -> None:
    outcome = faults.full_disk(tmp_path)
    assert outcome.written > 20
    assert (outcome.lost, outcome.surplus) == (0, 0)


def test_damage_costs_only_the_damaged_lines(tmp_path: Path) -> None:
    assert faults.corrupt(tmp_path).lost == 0

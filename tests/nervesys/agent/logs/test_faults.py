"""The faults of `faults.py` in short: every record is shipped, or counted as dropped.

Covers: nervesys.agent.logs.buffer, nervesys.agent.logs.shipping.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.nervesys.agent.logs import faults


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(partial(faults.kills, count=3), id="kills"),
        pytest.param(partial(faults.an_hour_away, minutes=2), id="away"),
        pytest.param(partial(faults.troubled, seconds=1.2), id="troubled"),
        faults.wrong_credentials,
        pytest.param(faults.full_disk, marks=pytest.mark.skipif(not faults.may_mount(), reason="no unshare -rm here")),
        faults.stepped_clock,
    ],
)
def test_nothing_is_lost(fault: Callable[[Path], faults.Outcome], tmp_path: Path) -> None:
    outcome = fault(tmp_path / "world")
    assert outcome.written > 0
    assert (outcome.lost, outcome.twice) == (0, 0), outcome

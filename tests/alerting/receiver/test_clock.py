"""The clock of one of two receivers is wrong by an hour: no lease is lost, no healthy agent is restarted."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from nervesys.stack.programs import ProgramMissing
from tests.alerting.receiver import kills
from tests.alerting.receiver.running import Sender, eventually, free_address, receiver
from tests.alerting.receiver.scene import Scene, scene
from tests.conftest import PROGRAMS
from tests.servers.faketime import faketime
from tests.servers.fixtures import rclone_endpoint

__all__ = ["rclone_endpoint", "scene"]


@pytest.fixture
def clock(tmp_path: Path) -> Iterator[Path]:
    """By how much one clock is off."""
    file = tmp_path / "offset"
    file.write_text("+0s")
    yield file


def until_more_calls(scene: Scene) -> None:
    """Healing goes on."""
    done = len(scene.calls())
    eventually(lambda: len(scene.calls()) >= done + len(scene.agents))


def test_a_clock_that_is_set_by_an_hour_costs_nothing(scene: Scene, clock: Path) -> None:
    try:
        set_apart = faketime(PROGRAMS, clock)
    except ProgramMissing as err:
        pytest.skip(str(err))
    addresses = [free_address(), free_address()]
    senders = [Sender(address, address, scene.agents, pause=0.2) for address in addresses]
    with ExitStack() as both, scene.alive() as fleet:
        both.enter_context(receiver(scene.home, addresses[0], env={**scene.env, **set_apart}))
        both.enter_context(receiver(scene.home, addresses[1], env=scene.env))
        for sender in senders:
            sender.start()
        for offset in ("+0s", "+1h", "-1h", "+0s"):
            clock.write_text(offset)
            until_more_calls(scene)
        fleet.immortal.set()
        for sender in senders:
            sender.stop.set()
            sender.join()
        eventually(lambda: not scene.open_rows())
    figures = kills.figures(scene, 0, {item for sender in senders for item in sender.answered}, 0)
    assert figures.lost == 0
    assert figures.calls == figures.attempts
    assert figures.calls_an_attempt == 1
    assert fleet.needless == []
    (noted,) = scene.ask("SELECT count(*) FROM history WHERE verdict = 'called'")
    assert noted[0] == figures.attempts, "every call was in somebody's hands until it ended"

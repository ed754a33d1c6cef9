"""`nervesys agent run` as a process, with a real S3 server, and without one.

Covers: nervesys.agent.agent, nervesys.agent.background_loops.
"""

import signal
import socket
import time
from contextlib import ExitStack
from pathlib import Path

from nervesys.contract import Status
from tests.nervesys.agent.fleet import STOP_SECONDS, Fleet, heartbeat, until


def test_at_sigterm_it_ships_its_logs_and_writes_stopped(fleet: Fleet) -> None:
    with fleet.store(), fleet.agent() as process:
        until(lambda: fleet.says(Status.RUNNING, Status.IDLE))
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 0
    assert fleet.says(Status.STOPPED)
    assert len(fleet.logs()) == 1


def test_after_a_kill_the_next_start_ships_the_buffer(fleet: Fleet) -> None:
    with fleet.store():
        with fleet.agent() as process:
            until(lambda: fleet.says(Status.RUNNING, Status.IDLE))
            time.sleep(1.2)  # what is older than a second is on the disk
            process.kill()
            process.wait()
        before = fleet.state()
        assert before is not None
        assert before.status in {Status.RUNNING, Status.IDLE}
        assert fleet.logs() == []
        with fleet.agent() as process:
            until(lambda: (fleet.state() or before).instance_id != before.instance_id)
            process.send_signal(signal.SIGINT)
            assert process.wait(STOP_SECONDS) == 0
    assert len(fleet.logs()) == 1


def test_its_heartbeat_arrives_as_soon_as_the_store_answers(fleet: Fleet) -> None:
    with ExitStack() as later, fleet.agent() as process:
        time.sleep(2)
        assert process.poll() is None
        later.enter_context(fleet.store())
        until(lambda: fleet.says(Status.RUNNING, Status.IDLE))


def test_a_store_that_never_answers_does_not_hold_it(fleet: Fleet, brain: Path) -> None:
    heartbeat(brain, seconds=60)  # and patience to match
    with socket.create_server(("127.0.0.1", fleet.port)) as silent, fleet.agent() as process:
        connection, _ = silent.accept()
        with connection:
            process.send_signal(signal.SIGTERM)
            assert process.wait(STOP_SECONDS) == 0

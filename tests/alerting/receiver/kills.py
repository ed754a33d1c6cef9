"""The receiver, killed at random instants under load: what it has promised must have been done afterwards.

`python -m tests.alerting.receiver.kills` is the long form: two hundred kills, and the table of what came of them.
"""

import argparse
import random
import sys
import tempfile
import time
from bisect import bisect
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.alerting.receiver.running import Sender, forked, free_address, until_ready
from tests.alerting.receiver.scene import Scene
from tests.servers import s3

AGENTS = ("grok", "gimai", "copilot", "chatgpt")
SENDERS = 4
PAUSE = 0.01
"""Seconds between two alerts of one sender: a load, not a trial of strength."""
LIVES = (0.05, 0.9)
"""Seconds from being ready to being killed."""
STILLBORN = 0.1
"""Share of receivers that are killed before they are ready."""
SETTLED_SECONDS = 60


@dataclass(frozen=True)
class Figures:
    """What came of it.

    Attributes:
        kills: of the receiver.
        answered: alerts that were answered with 200.
        journalled: of them, those in the journal.
        acted_upon: of them, those whose episode has ended.
        attempts: to restart an agent.
        calls: of the driver.
        calls_an_attempt: at most.
        open_rows: of one agent at once, at most.
    """

    kills: int
    answered: int
    journalled: int
    acted_upon: int
    attempts: int
    calls: int
    calls_an_attempt: int
    open_rows: int

    @property
    def lost(self) -> int:
        """Promised, and not done."""
        return self.answered - min(self.journalled, self.acted_upon)


def run(folder: Path, endpoint: str, count: int) -> Figures:
    """Kill a receiver so many times, then let the last one finish what they all began."""
    scene, listen, dice = Scene(folder, endpoint, AGENTS), free_address(), random.Random(count)
    senders = [Sender(listen, f"sender-{number}", AGENTS, PAUSE) for number in range(SENDERS)]
    open_rows = 0
    with scene.alive() as fleet:
        for sender in senders:
            sender.start()
        for life in range(count):
            with forked(scene.home, listen, scene.env):
                if life and dice.random() < STILLBORN:
                    time.sleep(dice.uniform(0, 0.5))
                else:
                    until_ready(listen)
                    time.sleep(dice.uniform(*LIVES))
            open_rows = max(open_rows, *scene.open_rows().values(), 0)
        fleet.immortal.set()
        for sender in senders:
            sender.stop.set()
            sender.join()
        with forked(scene.home, listen, scene.env):
            until_ready(listen)
            _settle(scene)
    return figures(scene, count, {item for sender in senders for item in sender.answered}, open_rows)


def _settle(scene: Scene) -> None:
    until = time.monotonic() + SETTLED_SECONDS
    while scene.open_rows() and time.monotonic() < until:
        time.sleep(0.2)


def figures(scene: Scene, kills: int, answered: set[str], open_rows: int) -> Figures:
    ended = scene.ask(
        "SELECT fingerprint, min(closed_at) FROM alerts LEFT JOIN evidence ON alert_id = alerts.id"
        " LEFT JOIN episodes ON episodes.id = episode_id GROUP BY fingerprint"
    )
    begun = [(agent, at) for agent, at in scene.ask("SELECT agent, started_at FROM attempts ORDER BY started_at")]
    calls = scene.calls()
    per_attempt = Counter(_attempt_of(call, begun) for call in calls)
    return Figures(
        kills=kills,
        answered=len(answered),
        journalled=len(answered & {fingerprint for fingerprint, _ in ended}),
        acted_upon=len(answered & {fingerprint for fingerprint, closed_at in ended if closed_at is not None}),
        attempts=len(begun),
        calls=len(calls),
        calls_an_attempt=max(per_attempt.values(), default=0),
        open_rows=open_rows,
    )


def _attempt_of(call: tuple[str, float], begun: list[tuple[str, float]]) -> tuple[str, int]:
    """The attempt that a call belongs to: the newest one on its agent that was journalled before it."""
    agent, at = call
    number = bisect([since for name, since in begun if name == agent], at)
    assert number, f"{agent} was restarted at {at}, and no attempt was journalled before"
    return agent, number


def main() -> int:
    """Run the long form; 1 where a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, s3.rclone(Path(name) / "s3") as endpoint:
        came = run(Path(name) / "scene", endpoint, arguments.kills)
    table = Table("what", "measured", "must be", title="Receiver: killed under load", title_justify="left")
    for what, measured, expected in (
        ("kills", came.kills, ""),
        ("alerts answered with 200", came.answered, ""),
        ("of them in the journal", came.journalled, came.answered),
        ("of them acted upon", came.acted_upon, came.answered),
        ("attempts to restart an agent", came.attempts, ""),
        ("driver calls", came.calls, f"≤ {came.attempts}"),
        ("driver calls an attempt, at most", came.calls_an_attempt, 1),
        ("open rows an episode, at most", came.open_rows, 1),
        ("lost", came.lost, 0),
    ):
        table.add_row(what, f"{measured:,}", str(expected))
    Console().print(table)
    return 0 if came.lost == 0 and came.calls_an_attempt == came.open_rows == 1 else 1


if __name__ == "__main__":
    sys.exit(main())

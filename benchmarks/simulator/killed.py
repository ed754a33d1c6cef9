"""When a killed agent was seen silent, named by an alert, restarted and proven to run: the episode of one agent."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.simulator.agents import number_of


@dataclass
class KilledAgent:
    """One death. All instants are Unix seconds, None until it has happened.

    Attributes:
        due: when the agent counts as dead: its last heartbeat, and the threshold.
        silent: when the store exporter showed it so.
        named: when an alert named it.
        called: when its restart was called first.
        started: when a call restarted it.
        proven: when the receiver's journal had the proof.
    """

    due: float
    silent: float | None = None
    named: float | None = None
    called: float | None = None
    started: float | None = None
    proven: float | None = None


STEPS = {
    "silent": "seen silent",
    "named": "named by an alert",
    "called": "restart called",
    "started": "heartbeat again",
    "proven": "proven in the journal",
}
"""What happens to a killed agent, in this order: the attribute, and the words for people."""


class JournalReader:
    """Reads the receiver's journal.

    Args:
        path: of its SQLite file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: set[tuple[int, float]] = set()

    def proven(self) -> Iterator[tuple[int, float]]:
        """The agents whose recovery was proven since this was asked before: number, and when.

        An episode that was opened again after its recovery recovers more than once.
        """
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=10)) as connection:
            rows = connection.execute(
                "SELECT id, agent, closed_at FROM episodes WHERE action = 'restart_agent' AND state = 'recovered'"
            ).fetchall()
        for episode, agent, at in rows:
            number = number_of(agent)
            if (episode, at) not in self._seen and number is not None:
                self._seen.add((episode, at))
                yield number, at

"""Context for the page of an episode: the agent's last state, its last log lines, and the configuration changes before.

Each is read from the store or the brain in a thread, with a time limit; the page says so where one is missing.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from alerting.journal.states import FLEET
from alerting.receiver.last_changes import ConfigChange, last_changes
from alerting.receiver.last_lines import last_lines
from alerting.receiver.search_result import Found
from alerting.receiver.watch import Watch
from nervesys.clock import Clock
from nervesys.contract import AgentState, LogRecord, PathTemplate
from nervesys.errors import StoreUnavailable
from nervesys.stores.brain import GitBrain
from nervesys.stores.objects import ObjectStore

SECONDS = 5.0
"""Time limit of each."""
AT_ONCE = 6
LATE = f"It did not come within {SECONDS:.0f} s."

Item = TypeVar("Item")


@dataclass(frozen=True)
class Words:
    """An agent's state as it stands in the store.

    Attributes:
        written: Unix seconds, by the store's clock.
        state: None where it cannot be understood.
    """

    written: float
    state: AgentState | None


class Surroundings:
    """Finds the context of an episode.

    Args:
        watch: reads an agent's last state.
        store: holds its logs.
        logs: the layout of their keys.
        brain: holds the configuration; None where it is a plain folder.
    """

    def __init__(self, watch: Watch, store: ObjectStore, logs: str, brain: GitBrain | None, clock: Clock) -> None:
        self._watch, self._store, self._brain, self._clock = watch, store, brain, clock
        self._logs = PathTemplate(logs)
        self._pool = ThreadPoolExecutor(AT_ONCE, "page")

    async def of(self, episode: Mapping[str, Any]) -> dict[str, Any]:
        """What the page of an episode shows beside the journal."""
        changes = asyncio.create_task(self._in_time(partial(last_changes, self._brain, episode["opened_at"])))
        words: Found[Words] = Found()
        lines: Found[LogRecord] = Found()
        if episode["agent"] != FLEET:
            words = await self._in_time(partial(self._words, episode["agent"]))
            lines = await self._in_time(partial(self._lines, episode, words))
        found: Found[ConfigChange] = await changes
        return {"words": words, "lines": lines, "changes": found}

    async def _in_time(self, ask: Callable[[], Found[Item]]) -> Found[Item]:
        try:
            return await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(self._pool, ask), SECONDS)
        except TimeoutError:
            return Found(silence=LATE)

    def _words(self, agent: str) -> Found[Words]:
        try:
            said = self._watch.last_words(agent)
        except StoreUnavailable as err:
            return Found(silence=f"The store cannot be read: {err}")
        if said is None:
            return Found(silence="It has written no state.")
        return Found((Words(*said),), "" if said[1] else "Its state cannot be understood.")

    def _lines(self, episode: Mapping[str, Any], words: Found[Words]) -> Found[LogRecord]:
        last = next((one.state.server for one in words.items if one.state), None)
        until = episode["closed_at"] or self._clock()
        return last_lines(self._store, self._logs, episode["agent"], episode["server"] or last or "", until)

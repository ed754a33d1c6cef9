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
from alerting.receiver.search_result import SearchResult
from alerting.receiver.watch import HeartbeatReader
from nervesys.clock import Clock
from nervesys.contract import AgentState, LogRecord, PathTemplate
from nervesys.errors import StoreUnavailable
from nervesys.stores.brain import GitBrain
from nervesys.stores.objects import ObjectStore

SECONDS = 5.0
"""Time limit of each."""
AT_ONCE = 6
LATE = f"Not read within {SECONDS:.0f} s."

Item = TypeVar("Item")
BEFORE_SECONDS, AFTER_SECONDS = 900, 300
"""What an agent logged around an episode is linked to, from so long before it to so long after it."""


@dataclass(frozen=True)
class LastState:
    """An agent's state as it stands in the store.

    Attributes:
        written: Unix seconds, by the store's clock.
        state: None where it cannot be parsed.
    """

    written: float
    state: AgentState | None


class EpisodeContextReader:
    """Finds the context of an episode.

    Args:
        watch: reads an agent's last state.
        store: holds its logs.
        logs: the layout of their keys.
        brain: holds the configuration; None where it is a plain folder.
        logs_url: returns where people read all that an agent logged between two instants.
    """

    def __init__(
        self,
        watch: HeartbeatReader,
        store: ObjectStore,
        logs: str,
        brain: GitBrain | None,
        clock: Clock,
        logs_url: Callable[[str, float, float], str],
    ) -> None:
        self._logs_url = logs_url
        self._watch, self._store, self._brain, self._clock = watch, store, brain, clock
        self._logs = PathTemplate(logs)
        self._pool = ThreadPoolExecutor(AT_ONCE, "page")

    async def read(self, episode: Mapping[str, Any]) -> dict[str, Any]:
        """What the page of an episode shows beside the journal."""
        changes = asyncio.create_task(self._with_timeout(partial(last_changes, self._brain, episode["opened_at"])))
        last_state: SearchResult[LastState] = SearchResult()
        lines: SearchResult[LogRecord] = SearchResult()
        if episode["agent"] != FLEET:
            last_state = await self._with_timeout(partial(self._last_state, episode["agent"]))
            lines = await self._with_timeout(partial(self._lines, episode, last_state))
        found: SearchResult[ConfigChange] = await changes
        end = (episode["closed_at"] or self._clock()) + AFTER_SECONDS
        url = self._logs_url(episode["agent"], episode["opened_at"] - BEFORE_SECONDS, end)
        return {"last_state": last_state, "lines": lines, "changes": found, "logs_url": url}

    async def _with_timeout(self, ask: Callable[[], SearchResult[Item]]) -> SearchResult[Item]:
        try:
            return await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(self._pool, ask), SECONDS)
        except TimeoutError:
            return SearchResult(missing=LATE)

    def _last_state(self, agent: str) -> SearchResult[LastState]:
        try:
            found = self._watch.last_state(agent)
        except StoreUnavailable as err:
            return SearchResult(missing=f"The store cannot be read: {err}")
        if found is None:
            return SearchResult(missing="It has written no state.")
        return SearchResult((LastState(*found),), "" if found[1] else "Its state cannot be parsed.")

    def _lines(self, episode: Mapping[str, Any], last_state: SearchResult[LastState]) -> SearchResult[LogRecord]:
        last = next((item.state.server for item in last_state.items if item.state), None)
        until = episode["closed_at"] or self._clock()
        return last_lines(self._store, self._logs, episode["agent"], episode["server"] or last or "", until)

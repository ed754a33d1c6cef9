"""Context for the page of an episode: state, log lines, configuration changes, cost and a trace of the agent.

All are read at the same time, in threads, each with a time limit; the page says so where one is missing.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from alerting.journal.states import FLEET
from alerting.receiver.agent_facts import cost_today, slowest_trace
from alerting.receiver.last_changes import last_changes
from alerting.receiver.last_failure import last_failed_trace
from alerting.receiver.last_lines import last_lines
from alerting.receiver.search_result import SearchResult
from alerting.receiver.watch import HeartbeatReader
from nervesys.clients.prometheus import Prometheus
from nervesys.clock import Clock
from nervesys.contract import AgentState, PathTemplate
from nervesys.errors import StoreUnavailable
from nervesys.stores.brain import GitBrain
from nervesys.stores.objects import ObjectStore

SECONDS = 1.5
"""Time limit of each: who is on call looks at the page on a phone."""
AT_ONCE = 6
"""Threads for the store, and as many for everything else, so that a store that hangs costs its own parts alone."""
LATE = f"Not read within {SECONDS:g} s; load the page again."

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
        traces: likewise, of its traces.
        brain: holds the configuration; None where it is a plain folder.
        prometheus: knows costs and traces.
        logs_url: returns where people read all that an agent logged between two instants.
    """

    def __init__(
        self,
        watch: HeartbeatReader,
        store: ObjectStore,
        logs: str,
        traces: str,
        brain: GitBrain | None,
        prometheus: Prometheus,
        clock: Clock,
        logs_url: Callable[[str, float, float], str],
    ) -> None:
        self._logs_url, self._prometheus = logs_url, prometheus
        self._watch, self._store, self._brain, self._clock = watch, store, brain, clock
        self._logs, self._traces = PathTemplate(logs), PathTemplate(traces)
        self._pool = ThreadPoolExecutor(AT_ONCE, "page")
        self._store_pool = ThreadPoolExecutor(AT_ONCE, "page-store")

    async def read(self, episode: Mapping[str, Any]) -> dict[str, Any]:
        """What the page of an episode shows beside the journal."""
        agent = episode["agent"]
        url = self._logs_url(agent, *self._around(episode))
        if agent == FLEET:
            changes = await self._with_timeout(self._pool, partial(last_changes, self._brain, episode["opened_at"]))
            nothing: SearchResult[Any] = SearchResult()
            parts = dict.fromkeys(("last_state", "lines", "failed_trace", "cost", "trace"), nothing)
            return {**parts, "changes": changes, "logs_url": url}
        state_read: Future[SearchResult[LastState]] = Future()
        of_its_server = partial(self._search_server, episode, state_read)
        wanted: dict[str, tuple[ThreadPoolExecutor, Callable[[], SearchResult[Any]]]] = {
            "last_state": (self._store_pool, partial(self._last_state, agent, state_read)),
            "lines": (self._store_pool, partial(of_its_server, last_lines, self._logs)),
            "failed_trace": (self._store_pool, partial(of_its_server, last_failed_trace, self._traces)),
            "changes": (self._pool, partial(last_changes, self._brain, episode["opened_at"], agent)),
            "cost": (self._pool, partial(cost_today, self._prometheus, agent)),
            "trace": (self._pool, partial(slowest_trace, self._prometheus, agent)),
        }
        found = await asyncio.gather(*(self._with_timeout(*part) for part in wanted.values()))
        return {**dict(zip(wanted, found, strict=True)), "logs_url": url}

    def _around(self, episode: Mapping[str, Any]) -> tuple[float, float]:
        end = (episode["closed_at"] or self._clock()) + AFTER_SECONDS
        return episode["opened_at"] - BEFORE_SECONDS, end

    async def _with_timeout(
        self, pool: ThreadPoolExecutor, ask: Callable[[], SearchResult[Item]]
    ) -> SearchResult[Item]:
        try:
            return await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(pool, ask), SECONDS)
        except TimeoutError:
            return SearchResult(missing=LATE)

    def _last_state(self, agent: str, read: "Future[SearchResult[LastState]]") -> SearchResult[LastState]:
        try:
            found = self._watch.last_state(agent)
        except StoreUnavailable as err:
            result: SearchResult[LastState] = SearchResult(missing=f"The store cannot be read: {err}")
        else:
            result = SearchResult(missing="It has written no state.")
            if found is not None:
                result = SearchResult((LastState(*found),), "" if found[1] else "Its state cannot be parsed.")
        read.set_result(result)
        return result

    def _search_server(
        self,
        episode: Mapping[str, Any],
        state_read: "Future[SearchResult[LastState]]",
        search: Callable[[ObjectStore, PathTemplate, str, str, float], SearchResult[Item]],
        template: PathTemplate,
    ) -> SearchResult[Item]:
        """What a search finds of the agent, on the server that it ran on, until the episode ended."""
        try:
            server = self._server_of(episode, state_read)
        except TimeoutError:
            return SearchResult(missing=LATE)
        return search(self._store, template, episode["agent"], server, episode["closed_at"] or self._clock())

    def _server_of(self, episode: Mapping[str, Any], state_read: "Future[SearchResult[LastState]]") -> str:
        """Where the agent ran: as the episode has it, or its last state; empty where neither is known."""
        states = () if episode["server"] else state_read.result(SECONDS).items
        return episode["server"] or next((item.state.server for item in states if item.state), None) or ""

"""A Docker engine whose containers are the simulated agents: of its API, what our driver `docker` calls."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.simulator.agents import SimulatedAgents, number_of
from benchmarks.simulator.s3_server import Answer
from nervesys.clock import Clock


class EngineMode(StrEnum):
    """How restarts end.

    Attributes:
        WORKS: the agent writes heartbeats again at once.
        REFUSES: with an error.
        DIES: they are reported as done, and the agent ends before its first heartbeat.
    """

    WORKS = "works"
    REFUSES = "refuses"
    DIES = "dies"


@dataclass(frozen=True)
class RestartCall:
    """One restart that was called.

    Attributes:
        agent: its number.
        at: Unix seconds.
        mode: of the engine at that time.
        double: whether the agent ran, or an earlier restart of it was reported as done less than two heartbeats ago.
    """

    agent: int
    at: float
    mode: EngineMode
    double: bool


class SimulatedEngine:
    """Restarts simulated agents.

    Args:
        agents: its containers, each named as its agent.
        clock: of the calls.

    Attributes:
        mode: how restarts end.
        calls: all restarts that were called.
    """

    def __init__(self, agents: SimulatedAgents, clock: Clock) -> None:
        self._agents, self._clock = agents, clock
        self._done_at: dict[int, float] = {}
        self.mode = EngineMode.WORKS
        self.calls: list[RestartCall] = []

    def answer(self, method: str, container: str, operation: str) -> Answer:
        """The response to a request of `/containers/NAME/OPERATION`."""
        number = number_of(container)
        if number is None or number >= self._agents.size:
            return "404 Not Found", {}, json.dumps({"message": f"No such container: {container}"}).encode()
        if method == "GET":
            return "200 OK", {}, json.dumps({"State": {"Running": self._agents.runs(number)}}).encode()
        if operation != "restart":
            return "403 Forbidden", {}, b""
        return self._restart(number, self._clock())

    def _restart(self, number: int, now: float) -> Answer:
        recently = now - self._done_at.get(number, 0) < 2 * self._agents.every
        self.calls.append(RestartCall(number, now, self.mode, self._agents.runs(number) or recently))
        if self.mode is EngineMode.REFUSES:
            return "500 Internal Server Error", {}, b'{"message": "the container cannot be started"}'
        self._done_at[number] = now
        restart: Callable[[int, float], None] = (
            self._agents.start if self.mode is EngineMode.WORKS else self._agents.kill
        )
        restart(number, now)
        return "204 No Content", {}, b""

"""The process that simulates a fleet: its store, the engine that restarts its agents, and what a benchmark controls.

`POST /simulator/kill` ends the agents whose numbers its body lists, and answers with the last heartbeat of each;
`POST /simulator/engine/MODE` sets how restarts end; `GET /simulator/calls/N` lists restarts from the Nth on;
`GET /simulator/requests` counts requests of the store.
"""

import asyncio
import json
from dataclasses import asdict

from benchmarks.simulator.agents import SimulatedAgents
from benchmarks.simulator.bucket import SimulatedBucket
from benchmarks.simulator.engine import EngineMode, SimulatedEngine
from benchmarks.simulator.s3_server import Answer, HttpProtocol, S3Responder
from nervesys.clock import system_clock


class Simulator:
    """Answers every request to the process.

    Args:
        agents: the fleet.
    """

    def __init__(self, agents: SimulatedAgents) -> None:
        self._agents = agents
        self._engine = SimulatedEngine(agents, system_clock)
        self._store = S3Responder(SimulatedBucket(agents, system_clock))

    def answer(self, method: str, target: str, body: bytes) -> Answer:
        """The response to a request."""
        match target.partition("?")[0].split("/")[1:]:
            case ["containers", container, operation]:
                return self._engine.answer(method, container, operation)
            case ["simulator", "kill"]:
                return _json({number: self._kill(number) for number in json.loads(body)})
            case ["simulator", "engine", mode]:
                self._engine.mode = EngineMode(mode)
                return _json(mode)
            case ["simulator", "calls", first]:
                return _json([asdict(call) for call in self._engine.calls[int(first) :]])
            case ["simulator", "requests"]:
                return _json(self._store.requests)
        return self._store.answer(method, target, body)

    def _kill(self, number: int) -> float:
        now = system_clock()
        self._agents.kill(number, now)
        return self._agents.heartbeat(number, now)


def serve(size: int, began: float, every: float, port: int) -> None:
    """Serve a simulated fleet until the process is ended.

    Args:
        size: number of agents.
        began: Unix seconds at which the simulation begins.
        every: seconds between two heartbeats of an agent.
        port: of 127.0.0.1.
    """
    simulator = Simulator(SimulatedAgents(size, began, every=every))

    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: HttpProtocol(simulator.answer), "127.0.0.1", port)
        await server.serve_forever()

    asyncio.run(run())


def _json(content: object) -> Answer:
    return "200 OK", {"Content-Type": "application/json"}, json.dumps(content).encode()

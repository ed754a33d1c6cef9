"""Simulated agents: which objects each has written by some instant. Pure; nothing is stored but starts and ends."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from nervesys.contract.times import DAY_SECONDS, format_time
from nervesys.stores.objects import ObjectInfo, gone

AGENTS_A_SERVER = 10
HEARTBEAT = 60
SHIPPING = 600
"""Seconds between two log objects of an agent: the default of `buffer.flush_interval_minutes`."""
STATE_PREFIX, STATE_SUFFIX = "db/agents/", "_state.json"
STATE_BYTES = 1280
"""Of every state: JSON allows spaces at its end."""


@dataclass(slots=True)
class Life:
    """The time from a start of an agent's process to its end.

    Attributes:
        began: Unix seconds of the first heartbeat.
        ended: Unix seconds from which on nothing is written.
    """

    began: float
    ended: float = math.inf

    def writes(self, every: float, begin: float, end: float) -> Iterator[float]:
        """When an object that is written at an interval was written, from `begin` to before `end`."""
        first = max(0, math.ceil((begin - self.began) / every))
        last = math.ceil((min(end, self.ended) - self.began) / every)
        return (self.began + every * number for number in range(first, last))

    def last_heartbeat(self, every: float, now: float) -> float:
        """The newest heartbeat by some instant."""
        return self.began + every * math.floor((min(now, self.ended) - self.began) / every)


@dataclass
class SimulatedAgents:
    """Agents whose heartbeats are spread evenly over the minute.

    Attributes:
        size: how many.
        began: Unix seconds at which the simulation begins; history is older.
        days: of history.
        every: seconds between two heartbeats.
    """

    size: int
    began: float
    days: int = 7
    every: float = HEARTBEAT
    _lives: list[list[Life]] = field(init=False)

    def __post_init__(self) -> None:
        first = self.began - self.days * DAY_SECONDS - SHIPPING
        self._lives = [[Life(round(first + SHIPPING * n / self.size, 3))] for n in range(self.size)]

    @property
    def names(self) -> list[str]:
        """The names of all agents."""
        return [name_of(number) for number in range(self.size)]

    @property
    def servers(self) -> list[str]:
        """The names of all servers."""
        return [server_of(number) for number in range(0, self.size, AGENTS_A_SERVER)]

    def on_server(self, server: str) -> range:
        """The agents of a server, by number."""
        first = int(server[7:11]) * AGENTS_A_SERVER
        return range(first, min(first + AGENTS_A_SERVER, self.size))

    def kill(self, number: int, now: float) -> None:
        """End an agent's process, if it runs."""
        life = self._lives[number][-1]
        life.ended = min(life.ended, now)

    def start(self, number: int, now: float) -> None:
        """Start an agent's process again."""
        self.kill(number, now)
        self._lives[number].append(Life(round(now, 3)))

    def heartbeat(self, number: int, now: float) -> float:
        """When an agent last wrote its state."""
        return self._lives[number][-1].last_heartbeat(self.every, now)

    def runs(self, number: int) -> bool:
        """Whether an agent's process runs."""
        return math.isinf(self._lives[number][-1].ended)

    def writes(self, number: int, every: float, begin: float, end: float) -> Iterator[float]:
        """When an object that is written at an interval was written, over all lives of an agent."""
        for life in self._lives[number]:
            yield from life.writes(every, begin, end)

    def states(self, now: float) -> Iterator[ObjectInfo]:
        """The state objects of all agents."""
        for number in range(self.size):
            at = self.heartbeat(number, now)
            key = f"{STATE_PREFIX}{name_of(number)}{STATE_SUFFIX}"
            yield ObjectInfo(key, version_of(number, at), STATE_BYTES, at)

    def state(self, key: str, now: float) -> tuple[ObjectInfo, bytes]:
        """A state object and its body.

        Raises:
            BadObject: `gone` where there is no such agent.
        """
        number = number_of(key.removeprefix(STATE_PREFIX).removesuffix(STATE_SUFFIX))
        if number is None or number >= self.size:
            raise gone(key)
        at, life = self.heartbeat(number, now), self._lives[number][-1]
        body = json.dumps(_state(number, at, life, self.every)).encode().ljust(STATE_BYTES)
        return ObjectInfo(key, version_of(number, at), len(body), at), body


def name_of(number: int) -> str:
    """The name of an agent."""
    return f"agent-{number:05}"


def number_of(name: str) -> int | None:
    """The number of an agent; None where it has another name."""
    digits = name.removeprefix("agent-")
    return int(digits) if digits != name and digits.isdecimal() else None


def server_of(number: int) -> str:
    """The server of an agent."""
    return f"server-{number // AGENTS_A_SERVER:04}.example.com"


def version_of(number: int, at: float) -> str:
    """The ETag of what an agent wrote at some instant."""
    return f"{number:016x}{round(at * 1000):016x}"


def _state(number: int, at: float, life: Life, every: float) -> dict[str, object]:
    beats = round((at - life.began) / every)
    return {
        "agent_id": name_of(number),
        "instance_id": version_of(number, life.began),
        "server": server_of(number),
        "status": "running" if (number + beats) % 4 else "idle",
        "timestamp": format_time(at - 0.1 * (number % 7)),
        "started_at": format_time(life.began),
        "role": "code review",
        "model": f"model-{number % 5}",
        "version": "1.2.3",
        "tasks": {"completed": number + beats, "failed": beats // 9},
        "tokens_used": number * 1000 + beats * 37,
        "buffer": {"bytes": (number * 7919 + beats * 104_729) % 1_000_000, "records": 5, "set_aside": 0},
        "usage": {"cpu_percent": 3.5, "memory_bytes": 90_000_000 + beats},
        "brain": {"commit": "0123456789abcdef", "checked_at": format_time(at), "reachable": True},
        "metrics": server_metrics(number, at, beats),
    }


def server_metrics(number: int, at: float, beats: int = 0) -> dict[str, object]:
    """A measurement of a server by one of its agents."""
    return {
        "timestamp": format_time(at),
        "server": server_of(number),
        "agent_id": name_of(number),
        "cpu_percent": (number + beats) % 70,
        "memory_percent": 41.5,
        "disk_percent": 63.25,
        "load_1m": 0.5,
        "load_5m": 0.4,
        "load_15m": 0.3,
        "network_io": {"rx_bytes": number * 10_000 + beats * 1234, "tx_bytes": beats * 777},
        "uptime_seconds": 1_000_000 + beats * HEARTBEAT,
    }

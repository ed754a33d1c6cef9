"""A made-up archive of some days, and the same numbers counted in the plainest way."""

import gzip
import json
import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

AGENTS = ("gimai", "grok")
SERVERS = ("host-1", "host-2.example.com")
CATEGORIES = ("activity", "errors", "system")
MODELS = ("large", "small")
LINES = 24


def lay(archive: Path, first: date, days: int, servers: tuple[str, ...] = SERVERS) -> list[Path]:
    """Write a file for each day, server and category; returns them."""
    files = []
    for day in (first + timedelta(days=number) for number in range(days)):
        for server in servers:
            for category in CATEGORIES:
                files.append(path_of(archive, server, day, category))
                write(files[-1], [record(day, category, f"{server} {day} {n}") for n in range(LINES)])
    return files


def path_of(archive: Path, server: str, day: date, category: str) -> Path:
    """Of one file."""
    return archive / f"Archive/logs/{day:%Y/%m}/{server}_{day}_{category}.json.gz"


def write(path: Path, records: list[dict[str, object]]) -> None:
    """Write records as one file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress("".join(json.dumps(item) + "\n" for item in records).encode()))


def record(day: date, category: str, seed: str) -> dict[str, object]:
    """A record of that day; numbers are whole, so that every way of adding comes to the same."""
    dice = random.Random(seed)
    second = dice.randrange(86_400)
    clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    return {
        "timestamp": f"{day}T{clock}.{dice.randrange(1000):03}Z",
        "agent_id": dice.choice(AGENTS),
        "level": "ERROR" if category == "errors" else "INFO",
        "category": category,
        "action": "review",
        "message": f"reviewed {seed}",
        "context": {"duration_ms": 1000 * dice.randrange(1, 700)},
        "metadata": {"model_version": dice.choice(MODELS), "tokens_used": dice.randrange(5000)},
    }


OF: dict[str, Callable[[Any], float]] = {
    "records": lambda item: 1,
    "tokens": lambda item: item["metadata"]["tokens_used"],
    "seconds": lambda item: item["context"]["duration_ms"] / 1000,
    "minute": lambda item: item["context"]["duration_ms"] <= 60_000,
}
"""What may be counted of a record; `minute`: whether it took at most one."""


def naive(archive: Path, what: str) -> dict[str, float]:
    """What the files hold, by agent."""
    total = dict.fromkeys(AGENTS, 0.0)
    for path in sorted(archive.rglob("*.json.gz")):
        for item in map(json.loads, gzip.decompress(path.read_bytes()).splitlines()):
            total[item["agent_id"]] += OF[what](item)
    return total

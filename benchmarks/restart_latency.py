"""Benchmark 5: seconds from an agent's last heartbeat to its restart, beyond the threshold that it may be silent.

A real stack with real programs; agents are killed as a crash would. The threshold itself is shortened where the
production's intervals are measured: what comes on top of it depends on how often is looked, not on how long is waited.
"""

import os
import random
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from benchmarks.measure import BenchmarkReport
from nervesys.contract import PathTemplate
from nervesys.settings import load
from nervesys.stores.s3 import S3Store
from tests.e2e.conftest import AGENTS, RunningStack, running
from tests.waiting import until

LOCAL: dict[str, Any] = {}
"""The profile of `make up`, as it is."""
_SHIPPED = load().settings
PRODUCTION: dict[str, Any] = {
    "thresholds": {
        "heartbeat": {"interval_seconds": 15, "down_after_seconds": 95},
        "vitality_silent_seconds": _SHIPPED.thresholds.vitality_silent_seconds,
    },
    "monitoring": {
        "prometheus": _SHIPPED.monitoring.prometheus.model_dump(),
        "sources": {name: {"refresh": dict(row.refresh)} for name, row in _SHIPPED.monitoring.sources.items()},
    },
}
"""Production's intervals; a heartbeat and a threshold that do not take all day."""


def run(report: BenchmarkReport, *, large: bool, short: bool) -> None:  # noqa: ARG001  # every benchmark takes the same flags
    """Kill agents, and look when their drivers are called."""
    for name, profile, aim in (("`make up`", LOCAL, 10), ("production", PRODUCTION, 40))[: 1 if short else None]:
        with tempfile.TemporaryDirectory() as folder, running(Path(folder), profile) as stack:
            beyond = [seconds_beyond(stack, agent) for agent in AGENTS]
        seconds = ", ".join(f"{episode:.1f}" for episode in beyond)
        report.fact(f"restarted beyond the threshold, intervals of {name}, s", seconds)
        report.limit("of these the longest", round(max(beyond)), aim)


def seconds_beyond(stack: RunningStack, agent: str) -> float:
    """Kill an agent at some instant; seconds beyond the threshold until its driver was called."""
    heartbeat = stack.here.settings.thresholds.heartbeat
    before = {episode["id"] for episode in stack.restarts(agent)}
    time.sleep(random.uniform(0, heartbeat.interval_seconds))
    os.kill(stack.pid(agent), signal.SIGKILL)
    time.sleep(1)  # what was under way has arrived
    last = _heartbeat(stack, agent)
    until(lambda: _attempts(stack, agent, before), 2 * heartbeat.down_after_seconds + 120)
    (first, *_) = _attempts(stack, agent, before)
    until(lambda: stack.restarts(agent)[0]["state"] == "recovered")
    return first - last - heartbeat.down_after_seconds


def _heartbeat(stack: RunningStack, agent: str) -> float:
    """When an agent last wrote, by the store's clock."""
    storj = stack.here.settings.storage.storj
    template = PathTemplate(storj.paths.agents)
    listed = S3Store(storj).list(template.prefix()).objects
    return next(info.modified for info in listed if template.parse(info.key) == {"agent": agent})


def _attempts(stack: RunningStack, agent: str, before: set[int]) -> list[float]:
    """When the driver was called in episodes that were not there before."""
    address = stack.here.stack.service("receiver").address
    new = [episode["id"] for episode in stack.restarts(agent) if episode["id"] not in before]
    stories = [httpx.get(f"http://{address}/actions/{number}").json() for number in new]
    return sorted(call["started_at"] for story in stories for call in story["calls"])

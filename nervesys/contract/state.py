"""Agent state and server metrics: the two small JSON objects that an agent writes at each heartbeat."""

import re
from enum import StrEnum
from itertools import islice
from typing import Annotated

from pydantic import AfterValidator, AliasChoices, Field

from nervesys.contract.objects import AgentName, BoundedObject, Count, Instant, Percent, Score, ServerName
from nervesys.contract.tasks import RepeatedAction, RunningTask, TaskQueue, Tasks

COUNTER = re.compile(r"[a-z][a-z0-9_]{0,63}")
"""Valid names of custom counters."""
COUNTERS = 20
"""Most custom counters of one agent."""
COUNTERS_READ = 64
"""Most custom counters that are kept of a body, in its order."""
STATE_BYTES = 1 << 16
"""Largest object of an agent's state or of a server's metrics."""


class Status(StrEnum):
    """Status that an agent reports; `stopped` only after a deliberate stop with exit code 0."""

    STARTING = "starting"
    RUNNING = "running"
    IDLE = "idle"
    DEGRADED = "degraded"
    STOPPING = "stopping"
    STOPPED = "stopped"


def _valid_counters(counters: dict[str, float]) -> dict[str, float]:
    return dict(islice((item for item in counters.items() if COUNTER.fullmatch(item[0])), COUNTERS_READ))


class NetworkIo(BoundedObject):
    """Bytes since the server started."""

    rx_bytes: Count | None = None
    tx_bytes: Count | None = None


class Anomalies(BoundedObject):
    """Anomaly score of each signal: a robust z-score against its recent values; the sign is the direction."""

    cpu: Score | None = None
    memory: Score | None = None
    disk: Score | None = None
    receive: Score | None = None
    transmit: Score | None = None


class ServerMetrics(BoundedObject):
    """Metrics of a server, as one of its agents measured them; percentages are 0 to 100."""

    timestamp: Instant
    server: ServerName
    agent_id: AgentName | None = None
    cpu_percent: Percent | None = None
    memory_percent: Percent | None = None
    disk_percent: Percent | None = None
    network_io: NetworkIo | None = None
    load_1m: Count | None = None
    load_5m: Count | None = None
    load_15m: Count | None = None
    buffer_size_mb: Count | None = None
    uptime_seconds: Count | None = None
    anomalies: Anomalies | None = None


class Buffer(BoundedObject):
    """The agent's local log buffer.

    Attributes:
        dropped: number of records dropped because the buffer was full, by level, since its file was created.
        set_aside: number of damaged files that were moved aside, since the start.
    """

    bytes: Count = 0
    records: Count = 0
    oldest_timestamp: Instant | None = None
    dropped: dict[str, Count] = Field(default_factory=dict)
    set_aside: Count = 0


class Usage(BoundedObject):
    """Resource usage of the agent's process and its children.

    Attributes:
        cpu_percent: of one processor, averaged since the last heartbeat; above 100 if several are busy.
        memory_bytes: resident set size.
    """

    cpu_percent: Count | None = None
    memory_bytes: Count | None = None


class BrainCopy(BoundedObject):
    """The configuration that an agent uses.

    Attributes:
        commit: commit of the brain's `main`; None if the brain is a plain folder.
        checked_at: when it was last known to be current; None if never since the start.
        reachable: whether the brain could be reached at the last attempt; else the last good copy is used.
    """

    commit: str | None = None
    checked_at: Instant | None = None
    reachable: bool = True


class AgentState(BoundedObject):
    """The state of an agent, rewritten at each heartbeat.

    `instance_id` is new at every start of the process; it proves a restart, which a newer heartbeat does not. `metrics`
    holds the newest server metrics, so that readers need no second object. `counters` are the author's own counters
    since the start; `lost_telemetry` counts items of OpenTelemetry that were dropped or shortened. `progressed_at` is
    when it last got anywhere: a task began or ended, or a new step, tokens or log records came; it is judged only while
    a task runs. `encrypted` is the free text, by age and in base64; the fields that it was taken from hold
    `[encrypted]`.
    """

    agent_id: AgentName
    instance_id: str | None = None
    server: ServerName | None = None
    status: Status
    timestamp: Instant
    started_at: Instant | None = None
    role: str | None = None
    model: str | None = None
    version: str | None = None
    current_task: RunningTask | None = None
    progressed_at: Instant | None = None
    repeated: RepeatedAction | None = None
    tasks: Tasks | None = None
    queue: TaskQueue | None = None
    tokens_used: Count | None = None
    counters: Annotated[dict[str, Count], AfterValidator(_valid_counters)] | None = None
    lost_telemetry: dict[str, Count] | None = None
    buffer: Buffer | None = None
    usage: Usage | None = None
    last_error: str | None = None
    encrypted: str | None = None
    brain: BrainCopy | None = None
    metrics: ServerMetrics | None = Field(default=None, validation_alias=AliasChoices("metrics", "server_metrics"))

"""The families of the area `agents`, and the words by which conditions name their values."""

from functools import partial

from nervesys.metrics import ConditionTerm, Family, Period, SourceArea

AGENT = ("agent",)
ORIGIN = SourceArea("store", "agents")
STOPPED = 'on (agent) (nervesys_agent_status{status="stopped"} == 1)'
# A limit read within the last hour, to bridge outages of the brain's exporter.
BUFFER_LIMIT = (
    " / on (agent) group_left () max by (agent) (last_over_time(nervesys_brain_agent_buffer_limit_bytes[1h]))"
)

OPTIONAL_OUTCOMES = ("retried", "verified", "rejected")

agent_term = partial(ConditionTerm, labels=AGENT, origin=ORIGIN)
"""A term for each agent."""

INFO = Family(
    "agent_info", "gauge", "Information about the agent; always 1.", ("agent", "server", "role", "model", "version")
)
HEARTBEAT = Family(
    "agent_heartbeat_timestamp_seconds",
    "gauge",
    "Time of the agent's last heartbeat: when it last wrote its state.",
    AGENT,
    conditions=(
        agent_term(
            word="heartbeat",
            kind="absence",
            threshold=lambda t: t.heartbeat.down_after_seconds,
            narrowed=f"\nunless {STOPPED}",
        ),
        agent_term(
            word="stopped",
            kind="age",
            threshold=lambda t: t.heartbeat.stopped_after_seconds,
            narrowed=f"\nand {STOPPED}",
        ),
    ),
)
STATUS = Family(
    "agent_status",
    "gauge",
    "1 for the status that the agent reports, 0 for the others.",
    ("agent", "status"),
    conditions=(agent_term(word="degraded", kind="level", matchers='{status="degraded"}'),),
)
START = Family(
    "agent_start_timestamp_seconds",
    "gauge",
    "Start time of the agent's process.",
    AGENT,
    conditions=(agent_term(word="starts", kind="changes"),),
)
SKEW = Family(
    "agent_clock_skew_seconds",
    "gauge",
    "Agent's clock minus the store's clock at the last heartbeat.",
    AGENT,
    conditions=(
        agent_term(
            word="clock skew",
            kind="level",
            threshold=lambda t: t.clock_skew_seconds,
            either_side=True,
        ),
    ),
)
TASKS = Family(
    "agent_tasks_total",
    "counter",
    "Tasks completed or failed since the agent started, by outcome; also results retried, verified and rejected.",
    ("agent", "outcome"),
    conditions=(
        agent_term(word="failed tasks", kind="increase", matchers='{outcome="failed"}'),
        agent_term(word="completed tasks", kind="increase", matchers='{outcome="completed"}'),
        agent_term(word="retried tasks", kind="increase", matchers='{outcome="retried"}'),
        agent_term(word="verified tasks", kind="increase", matchers='{outcome="verified"}'),
        agent_term(word="rejected tasks", kind="increase", matchers='{outcome="rejected"}'),
    ),
)
TOKENS = Family(
    "agent_tokens_total",
    "counter",
    "Tokens used since the agent started.",
    AGENT,
    conditions=(agent_term(word="tokens", kind="increase"),),
)
ALTERNATIONS = Family(
    "agent_alternations_total",
    "counter",
    "Times an instance wrote the agent's state again after another instance had written it.",
    AGENT,
    conditions=(agent_term(word="alternations", kind="increase"),),
)
BUFFER = Family(
    "agent_buffer_bytes",
    "gauge",
    "Size of the log buffer on the agent's disk that is not shipped yet.",
    AGENT,
    conditions=(
        agent_term(
            word="buffer",
            kind="level",
            unit="ratio",
            threshold=lambda t: t.buffer,
            per=BUFFER_LIMIT,
        ),
        agent_term(word="buffer", kind="level"),
    ),
)
DROPPED = Family(
    "agent_dropped_records_total",
    "counter",
    "Log records dropped because the agent's buffer was full, by level.",
    ("agent", "level"),
    conditions=(agent_term(word="dropped records", kind="increase"),),
)
LOST = Family(
    "agent_lost_telemetry_total",
    "counter",
    "OpenTelemetry items that the agent dropped or shortened since its start, by reason.",
    ("agent", "reason"),
    conditions=(agent_term(word="lost telemetry", kind="increase"),),
)
LOST_REASONS = ("too_large", "shortened", "buffer_full")
DAMAGED = Family(
    "agent_damaged_buffers_total",
    "counter",
    "Damaged log buffers set aside since the agent started.",
    AGENT,
    conditions=(agent_term(word="damaged buffers", kind="increase"),),
)
CPU = Family(
    "agent_cpu_usage_cores",
    "gauge",
    "CPU used by the agent's processes, in cores.",
    AGENT,
    conditions=(agent_term(word="agent cpu", kind="level", unit="ratio"),),
)
MEMORY = Family(
    "agent_memory_bytes",
    "gauge",
    "Resident memory of the agent's processes.",
    AGENT,
    conditions=(agent_term(word="agent memory", kind="level"),),
)
COUNTED = Family(
    "agent_custom_events_total",
    "counter",
    "Events counted by the agent's own code, by counter name.",
    ("agent", "counter"),
    conditions=(agent_term(word="custom events", kind="increase", labels=("agent", "counter")),),
)
REACHED = Family(
    "agent_brain_reachable",
    "gauge",
    "1 if the agent's last request to the brain succeeded, else 0.",
    AGENT,
    conditions=(agent_term(word="brain reachable", kind="level"),),
)
CLOCK_OFFSET = Family(
    "store_clock_offset_seconds",
    "gauge",
    "Store's clock minus this exporter's clock.",
    (),
    Period.SCRAPE,
    conditions=(
        agent_term(
            word="store clock offset",
            kind="level",
            labels=(),
            threshold=lambda t: t.store_clock_offset_seconds,
            either_side=True,
        ),
    ),
)

FAMILIES = (
    INFO,
    HEARTBEAT,
    STATUS,
    START,
    SKEW,
    TASKS,
    TOKENS,
    ALTERNATIONS,
    BUFFER,
    DROPPED,
    LOST,
    DAMAGED,
    CPU,
    MEMORY,
    COUNTED,
    REACHED,
    CLOCK_OFFSET,
)

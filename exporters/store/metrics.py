"""Area `metrics`: the servers' metrics, each server's as one of its agents reports them.

Reads   one LIST for the servers. Where a server's metrics ride in a state object, nothing more; of any other, one LIST
        of its current hour and one GET for each agent's newest object there.
Units   ratios 0 to 1, bytes, seconds; instants in Unix seconds by the store's clock.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from exporters.runner import Refresh, SourceContext
from exporters.store.bodies import Bodies
from exporters.store.ownership import Ownership
from exporters.store.shared_state import ServerReport, SharedState
from nervesys.contract import PathTemplate, ServerMetrics
from nervesys.contract.state import STATE_BYTES, Anomalies
from nervesys.errors import BadObject, Reason
from nervesys.metrics import ConditionTerm, Family, Sample, SourceArea
from nervesys.stores.folders import HOUR, Folders
from nervesys.stores.objects import ObjectInfo, ObjectReader

SERVER = ("server",)
ORIGIN = SourceArea("store", "metrics")
CPU = Family(
    "server_cpu_ratio",
    "gauge",
    "CPU utilization of the server, 0 to 1.",
    SERVER,
    conditions=(ConditionTerm(word="cpu", kind="level", labels=SERVER, origin=ORIGIN, threshold=lambda t: t.cpu),),
)
MEMORY = Family(
    "server_memory_ratio",
    "gauge",
    "Memory utilization of the server, 0 to 1.",
    SERVER,
    conditions=(
        ConditionTerm(word="memory", kind="level", labels=SERVER, origin=ORIGIN, threshold=lambda t: t.memory),
    ),
)
DISK = Family(
    "server_disk_ratio",
    "gauge",
    "Disk utilization of the server, 0 to 1.",
    SERVER,
    conditions=(ConditionTerm(word="disk", kind="level", labels=SERVER, origin=ORIGIN, threshold=lambda t: t.disk),),
)
UPTIME = Family(
    "server_uptime_seconds",
    "gauge",
    "Time since the server booted.",
    SERVER,
    conditions=(ConditionTerm(word="uptime", kind="level", labels=SERVER, origin=ORIGIN),),
)
LOAD = Family(
    "server_load",
    "gauge",
    "Load average of the server over 1, 5 or 15 minutes.",
    (*SERVER, "minutes"),
    conditions=(ConditionTerm(word="load", kind="level", labels=("server", "minutes"), origin=ORIGIN),),
)
RECEIVED = Family(
    "server_network_receive_bytes_total",
    "counter",
    "Network bytes received since the server booted.",
    SERVER,
    conditions=(ConditionTerm(word="received bytes", kind="increase", labels=SERVER, origin=ORIGIN),),
)
SENT = Family(
    "server_network_transmit_bytes_total",
    "counter",
    "Network bytes sent since the server booted.",
    SERVER,
    conditions=(ConditionTerm(word="sent bytes", kind="increase", labels=SERVER, origin=ORIGIN),),
)
ANOMALY = Family(
    "server_anomaly_score",
    "gauge",
    "Robust z-score of a signal among its last 60 values; 0 is normal, the sign is the direction.",
    ("server", "signal"),
    conditions=(
        ConditionTerm(word="anomaly", kind="level", labels=("server", "signal"), origin=ORIGIN, either_side=True),
    ),
    optional={"": "no agent has sent enough heartbeats to know what is usual"},
)
MEASURED = Family(
    "server_metrics_timestamp_seconds",
    "gauge",
    "Time of the server's last measurement.",
    SERVER,
    conditions=(ConditionTerm(word="server metrics", kind="absence", labels=SERVER, origin=ORIGIN),),
)

PATIENCE = 8
"""Passes after the start that look for no measurements beside the states, while not all states are read."""

FAMILIES = (CPU, MEMORY, DISK, UPTIME, LOAD, RECEIVED, SENT, ANOMALY, MEASURED)


def server_samples(server: str, at: float, metrics: ServerMetrics, *, live: bool) -> Iterator[Sample]:
    """The samples of one measurement. An unknown value is absent.

    Args:
        server: its name.
        at: when it was measured, Unix seconds.
        metrics: the measurement.
        live: False once it is stale: gauges leave, the instant and counters stay.
    """
    gauges: tuple[tuple[Family, float | None, float], ...] = (
        (CPU, metrics.cpu_percent, 100),
        (MEMORY, metrics.memory_percent, 100),
        (DISK, metrics.disk_percent, 100),
        (UPTIME, metrics.uptime_seconds, 1),
    )
    for family, value, whole in gauges if live else ():
        if value is not None:
            yield family.sample(value / whole, server)
    loads = (("1", metrics.load_1m), ("5", metrics.load_5m), ("15", metrics.load_15m))
    for minutes, load in loads if live else ():
        if load is not None:
            yield LOAD.sample(load, server, minutes)
    for signal in Anomalies.model_fields if live and metrics.anomalies else ():
        score = getattr(metrics.anomalies, signal)
        if score is not None:
            yield ANOMALY.sample(score, server, signal)
    network = metrics.network_io
    if network is not None and network.rx_bytes is not None:
        yield RECEIVED.sample(network.rx_bytes, server)
    if network is not None and network.tx_bytes is not None:
        yield SENT.sample(network.tx_bytes, server)
    yield MEASURED.sample(at, server)


def choose_reporters(
    reports: Iterable[ServerReport], before: Mapping[str, str], live: Callable[[ServerReport], bool]
) -> dict[str, ServerReport]:
    """One report for each server: two would be two series of one name, with counters that jump between them.

    Args:
        reports: of all agents.
        before: the reporter of each server so far; it stays while its reports are live.
        live: whether a report is not stale.

    Returns:
        By server: the report of its reporter so far, else the newest.
    """

    def rank(report: ServerReport) -> tuple[bool, bool, float]:
        return live(report), before.get(report.metrics.server) == report.agent, report.at

    chosen: dict[str, ServerReport] = {}
    for report in reports:
        server = report.metrics.server
        if server not in chosen or rank(report) > rank(chosen[server]):
            chosen[server] = report
    return chosen


class MetricsArea:
    """Keeps each server's reporter from pass to pass.

    Args:
        store: the store.
        context: settings, clock and shard.
        shared: where the area `agents` leaves what states carry.
    """

    def __init__(self, store: ObjectReader, context: SourceContext, shared: SharedState) -> None:
        self._store = store
        self._context = context
        self._shared = shared
        self._template = PathTemplate(context.settings.storage.storj.paths.metrics)
        self._folders = Folders(self._template, HOUR)
        self._bodies = Bodies("metrics", store, context, ServerMetrics.parse, STATE_BYTES)
        self._stale_after = context.settings.thresholds.heartbeat.stale_after_seconds
        self._ownership = Ownership(context.agents)
        self._reporters: dict[str, str] = {}
        self._patience = PATIENCE

    def refresh(self, out: Refresh) -> None:
        """One pass."""
        now = self._shared.now(self._context.clock)

        def live(report: ServerReport) -> bool:
            return now - report.at <= self._stale_after

        from_states = [report for report in self._shared.from_states if self._context.shard.owns(report.metrics.server)]
        self._patience -= 1
        wait = self._shared.known_agents is None and self._patience >= 0
        written = [] if wait else self._read_written({report.metrics.server for report in from_states}, now, out)
        chosen = choose_reporters([*from_states, *written], self._reporters, live)
        self._reporters = {server: report.agent for server, report in chosen.items()}
        out.keep_only(chosen)
        for server, report in chosen.items():
            alive = live(report)
            out.put(server, (report, alive), server_samples(server, report.at, report.metrics, live=alive))

    def _read_written(self, reported: Collection[str], now: float, out: Refresh) -> list[ServerReport]:
        """The newest measurement by each agent of the servers of this shard that no state reports."""
        newest: dict[tuple[str, str], ObjectInfo] = {}
        for info in self._list_current(reported, now):
            try:
                reporter = self._reporter_of(info.key)
            except BadObject as bad:
                out.reject(info.key, info.version, bad)
                continue
            if reporter not in newest or newest[reporter].modified < info.modified:
                newest[reporter] = info
        bodies = self._bodies.read(newest.values(), out)
        reports: list[ServerReport] = []
        for (server, agent), info in newest.items():
            if info.key in bodies:
                try:
                    self._check_body(agent, bodies[info.key], server)
                except BadObject as bad:
                    out.reject(info.key, info.version, bad)
                else:
                    reports.append(ServerReport(agent, self._bodies.modified(info), bodies[info.key]))
        return reports

    def _reporter_of(self, key: str) -> tuple[str, str]:
        """The server and the agent that a key names; empty where its template has none.

        Raises:
            BadObject: `bad_key`, `wrong_owner`, or `unknown_agent` where the agent has no valid state.
        """
        fields = self._template.parse(key)
        if fields is None:
            raise BadObject(Reason.BAD_KEY, f"not of {self._template.text}")
        server, agent = (fields.get(name, "").lower() for name in ("server", "agent"))
        if agent and agent not in self._context.agents and agent not in (self._shared.known_agents or ()):
            raise BadObject(Reason.UNKNOWN_AGENT, f"{agent} is not configured, and has no valid state")
        self._ownership.check_key(agent, server)
        return server, agent

    def _check_body(self, agent: str, body: ServerMetrics, server: str) -> None:
        """Check that a measurement is by the agent and about the server that its key names."""
        if agent and body.agent_id not in {None, agent}:
            raise BadObject(Reason.WRONG_OWNER, f"measured by {body.agent_id}, under the name of {agent}")
        self._ownership.check_report(agent, body.server, server)

    def _list_current(self, reported: Collection[str], now: float) -> Iterator[ObjectInfo]:
        """What lies in the current hour; just after it began, in the one before too."""
        for root in self._folders.roots(self._store):
            server = self._folders.fields(root).get("server", "").lower()
            if server not in reported and self._context.shard.owns(server):
                for period in {self._folders.period(root, now), self._folders.period(root, now - self._stale_after)}:
                    yield from self._store.list(period).objects

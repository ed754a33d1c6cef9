"""Samples of the made-up history of the fleet: heartbeats, statuses, alerts and the receiver's actions. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from alerting.receiver import metrics
from commands.demo_monitoring.incidents import CALL_LASTS, DemoIncident, DemoMonitoring
from commands.demo_monitoring.series import constant, counter, recorded_text, series_text, steps
from dashboards.recording import ACTIONS, STATUS, TROUBLE
from dashboards.style import SILENT_CODE, STATUS_CODES
from nervesys.contract import Status
from nervesys.metrics import Family
from nervesys.metrics.periods import periods

ALERT, SEVERITY, ACTION, DRIVER = "AgentDown", "critical", "restart_agent", "supervisor"
HEARTBEAT_STEP = 60
AGENTS_AREA = {"source": "store", "area": "agents"}
FRESH_LIMIT = 600
"""Sparse samples of the exporter's last refresh count as fresh."""


def fleet_text(monitored: DemoMonitoring) -> Iterator[str]:
    """All samples, series by series."""
    incidents = monitored.incidents()
    yield from _exporter(monitored)
    for agent in monitored.agents:
        yield from _agent(monitored, agent, [each for each in incidents if each.agent == agent])
    for incident in incidents:
        yield from _alert(monitored, incident)
    yield from _actions(monitored, incidents)


def _exporter(monitored: DemoMonitoring) -> Iterator[str]:
    instants = list(steps(monitored.start, monitored.end))
    name = "nervesys_exporter_last_success_timestamp_seconds"
    yield series_text(name, AGENTS_AREA, ((at, at) for at in instants))
    yield series_text("nervesys_exporter_fresh_limit_seconds", AGENTS_AREA, constant(FRESH_LIMIT, instants))


def _agent(monitored: DemoMonitoring, agent: str, incidents: list[DemoIncident]) -> Iterator[str]:
    """Heartbeats are rare, so each is dated ahead, that its age stays below the limit until the next one."""
    ahead = max(0.0, HEARTBEAT_STEP - monitored.loaded.settings.thresholds.heartbeat.down_after_seconds)
    silent = [each.silent_at for each in incidents]

    def last_heartbeat(at: float) -> float:
        place = bisect_left(silent, at) - 1
        lost = place >= 0 and at < incidents[place].recovered_at
        return incidents[place].silent_at if lost else at + ahead

    edges = {at for each in incidents for at in (each.silent_at, each.recovered_at)}
    beats = sorted({*steps(monitored.start, monitored.end, HEARTBEAT_STEP), *edges})
    labels = {"agent": agent}
    yield series_text("nervesys_agent_heartbeat_timestamp_seconds", labels, ((at, last_heartbeat(at)) for at in beats))
    instants = sorted({*steps(monitored.start, monitored.end), *edges, *(each.fired_at for each in incidents)})
    role = monitored.loaded.agents[agent].role
    yield series_text("nervesys_brain_agent_info", labels | {"role": role}, constant(1, instants))
    yield recorded_text(STATUS, labels, _statuses(instants, incidents))
    evaluated = monitored.loaded.settings.monitoring.prometheus.evaluation_interval_seconds
    lost_at = [at for each in incidents for at in steps(each.fired_at, each.recovered_at - evaluated, evaluated)]
    if lost_at:
        yield recorded_text(TROUBLE, labels, constant(SILENT_CODE, lost_at))


def _statuses(instants: list[float], incidents: list[DemoIncident]) -> Iterator[tuple[float, float]]:
    fired = [each.fired_at for each in incidents]
    for at in instants:
        place = bisect_right(fired, at) - 1
        lost = place >= 0 and at < incidents[place].recovered_at
        yield at, SILENT_CODE if lost else STATUS_CODES[Status.RUNNING]


def _alert(monitored: DemoMonitoring, incident: DemoIncident) -> Iterator[str]:
    labels = {"alertname": ALERT, "agent": incident.agent, "severity": SEVERITY}
    evaluated = monitored.loaded.settings.monitoring.prometheus.evaluation_interval_seconds
    instants = list(steps(incident.fired_at, incident.resolved_at, evaluated))
    yield recorded_text("ALERTS", labels | {"alertstate": "firing"}, constant(1, instants))
    yield recorded_text("ALERTS_FOR_STATE", labels, constant(incident.fired_at, instants))


def _actions(monitored: DemoMonitoring, incidents: tuple[DemoIncident, ...]) -> Iterator[str]:
    recorded = ACTIONS.series(periods(monitored.loaded))
    for agent in sorted({each.agent for each in incidents}):
        events = [event for each in incidents if each.agent == agent for event in each.states]
        for state in sorted({state for _, state in events}):
            at = [at for at, entered in events if entered == state]
            labels = {"agent": agent, "action": ACTION, "state": state}
            yield series_text(metrics.ACTIONS.full_name, labels, counter((when, 1) for when in at))
            yield recorded_text(recorded, labels, constant(1, at))
    lasted = [(each.recovered_at, each.recovered_at - each.fired_at) for each in incidents]
    yield from _histogram(metrics.RECOVERY, {"driver": DRIVER}, lasted)
    calls = [(each.called_at + CALL_LASTS, CALL_LASTS) for each in incidents]
    yield from _histogram(metrics.DURATION, {"action": ACTION, "driver": DRIVER}, calls)


def _histogram(family: Family, labels: dict[str, str], observed: list[tuple[float, float]]) -> Iterator[str]:
    """A histogram of observations: Unix seconds and values."""
    for bound in (*family.buckets, float("inf")):
        le = "+Inf" if bound == float("inf") else str(bound)  # as prometheus_client writes it, which the receiver uses
        counted = [(at, float(value <= bound)) for at, value in observed]
        yield series_text(f"{family.full_name}_bucket", labels | {"le": le}, counter(counted))
    yield series_text(f"{family.full_name}_count", labels, counter((at, 1) for at, _ in observed))
    yield series_text(f"{family.full_name}_sum", labels, counter(observed))

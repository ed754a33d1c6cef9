"""Each agent: does its heartbeat arrive, and does its driver reach its server and know its target?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from alerting.actions.restart_agent import inspect, unreachable
from alerting.drivers import Driver
from alerting.drivers.outcome import Cause, Done, Outcome
from commands.diagnosis.finding import DoctorFinding, fail, ok, warn
from nervesys.contract import AgentState, PathTemplate, Status
from nervesys.errors import BadObject
from nervesys.settings import AgentConfig, Settings
from nervesys.stores.objects import ObjectStore

STATE_BYTES = 1 << 20
REMEDIES = {
    Cause.BAD_TARGET: "set restart.target in its file of the brain",
    Cause.NOT_FOUND: "set restart.target in its file of the brain to the name that the driver's server knows",
    Cause.NOT_ALLOWED: "give the receiver the rights that docs/how-to/restarts.md lists",
    Cause.REFUSED: "see the log of the driver's server",
    Cause.TIMED_OUT: "check that the driver's server answers, and the driver's address in receiver.yaml",
    Cause.UNREACHABLE: "check that the driver's server runs, and the driver's address in receiver.yaml",
}


@dataclass(frozen=True)
class AgentHeartbeat:
    """The newest state of an agent.

    Attributes:
        age_seconds: by the store's clock.
        server: that it was written from; empty where the state cannot be parsed.
        status: as reported; None where the state cannot be parsed.
    """

    age_seconds: float
    server: str = ""
    status: Status | None = None


def judge_heartbeat(name: str, heartbeat: AgentHeartbeat | None, down_after_seconds: float) -> DoctorFinding:
    """Whether an agent's heartbeat arrives.

    Args:
        name: of the agent.
        heartbeat: None if the store has none.
        down_after_seconds: the age from which on it counts as down.
    """
    subject = f"agent {name}"
    if heartbeat is None:
        remedy = f"start it: nervesys agent run {name}; it must write to this store, under this name"
        return fail(subject, "no heartbeat was ever received", remedy)
    age = f"{max(0, heartbeat.age_seconds):.0f} s ago"
    if heartbeat.status is None:
        return fail(subject, f"its state of {age} cannot be parsed", "see the log of the store exporter")
    where = f"{age} from {heartbeat.server}, {heartbeat.status}"
    if heartbeat.status is Status.STOPPED:
        return ok(subject, f"last heartbeat {where}: it was stopped on purpose")
    if heartbeat.age_seconds > down_after_seconds:
        return fail(subject, f"last heartbeat {where}: it is down", "see its log on its server, and start it")
    return ok(subject, f"last heartbeat {where}")


def judge_outcome(name: str, driver: str, outcome: Outcome) -> DoctorFinding:
    """What the driver's server answered."""
    subject = f"agent {name}"
    if isinstance(outcome, Done):
        return ok(subject, f"driver {driver}: {outcome.detail}")
    problem = f"driver {driver}: {outcome.detail}"
    if driver == "docker" and outcome.cause is Cause.NOT_ALLOWED:
        return warn(subject, f"{problem}; a proxy that lets only restarts through refuses this", "none is needed there")
    return fail(subject, problem, REMEDIES[outcome.cause])


def check_driver(
    config: AgentConfig, heartbeat: AgentHeartbeat | None, drivers: Mapping[str, Driver]
) -> Iterator[DoctorFinding]:
    """Ask the agent's driver; nothing is restarted.

    Args:
        config: the agent's.
        heartbeat: names its server; None if the store has none.
        drivers: the receiver's, by name.
    """
    subject, server = f"agent {config.name}", heartbeat.server if heartbeat else ""
    if not config.health.restart_on_failure:
        yield ok(subject, "it is never restarted: health.restart_on_failure is false")
        return
    if problem := unreachable(drivers, config, server):
        remedy = "add the driver to receiver.yaml, with this server under `servers`, or set restart.driver in its file"
        yield fail(subject, problem, remedy) if heartbeat else warn(subject, problem, "its first heartbeat names it")
        return
    yield judge_outcome(config.name, config.restart.driver, inspect(drivers, config, server))


def read_heartbeats(store: ObjectStore, settings: Settings, now: float) -> dict[str, AgentHeartbeat]:
    """The newest state of every agent of the store, by name.

    Args:
        store: read only.
        settings: the area's layout.
        now: Unix seconds; used if the store has no clock.

    Raises:
        StoreUnavailable: it does not answer.
    """
    template = PathTemplate(settings.storage.storj.paths.agents)
    listing = store.list(template.prefix())
    clock, found = listing.clock or now, dict[str, AgentHeartbeat]()
    for info in sorted(listing.objects, key=lambda info: info.modified):
        if (fields := template.parse(info.key)) is None:
            continue
        age = clock - info.modified
        try:
            state = AgentState.parse(store.get(info.key, max_bytes=STATE_BYTES))
        except BadObject:
            found[fields["agent"].lower()] = AgentHeartbeat(age)
        else:
            found[fields["agent"].lower()] = AgentHeartbeat(age, state.server or "", state.status)
    return found

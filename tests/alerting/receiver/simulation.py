"""A small sim for the receiver: a folder for a store, a clock that obeys, a driver that remembers its orders."""

import asyncio
import json
import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from alerting.drivers import RestartRequest
from alerting.drivers.outcome import Done, Outcome
from alerting.drivers.shortage import ShortOfResources
from alerting.journal import Journal, StateChange, Writer, view
from alerting.journal.receive import Arrival
from alerting.model import AlertsFile, read_alerts
from alerting.receiver.blast_radius import BlastRadius
from alerting.receiver.calls import AttemptRunner
from alerting.receiver.firing import Firing
from alerting.receiver.fleet import FleetConfig
from alerting.receiver.healer import Healer, make_policy
from alerting.receiver.inbox import Inbox
from alerting.receiver.limits import FleetLimits, RestartCap
from alerting.receiver.local import ReceiverLimits
from alerting.receiver.metrics import INSTRUMENTS
from alerting.receiver.orders import ORDERS
from alerting.receiver.watch import HeartbeatReader
from nervesys.contract import AgentState, Status
from nervesys.errors import StoreUnavailable
from nervesys.metrics import Instruments
from nervesys.settings import AgentConfig, FolderTree, load, shipped_root
from nervesys.stores.objects import Listing
from tests.stores import FolderStore

START = 1_800_000_000.0
HEARTBEAT = 5.0  # of the profile local


def shipped_alerts() -> AlertsFile:
    return read_alerts(FolderTree(shipped_root()))[0]


def a_fleet(*names: str, **health: Any) -> FleetConfig:
    agents = {name: AgentConfig.model_validate({"name": name, "health": health}) for name in names}
    return FleetConfig(load(profile="local").settings, agents, shipped_alerts())


def agent_down(agent: str, **changed: Any) -> Arrival:
    fields = {
        "alertname": "AgentDown",
        "fingerprint": f"f-{agent}",
        "starts_at": "2027-01-15T08:00:00Z",
        "status": "firing",
        "sender": "alertmanager",
        "agent": agent,
        "labels": json.dumps({"agent": agent}),
        "annotations": "{}",
        "remedies": ("restart_agent",),
    }
    return Arrival(**{**fields, **changed})


class BreakableStore(FolderStore):
    """A store that can be made unreadable."""

    broken = False
    refusal = StoreUnavailable("list: timed out")

    def list(self, prefix: str, *, recursive: bool = True) -> Listing:
        if self.broken:
            raise self.refusal
        return super().list(prefix, recursive=recursive)


class ScriptedDriver:
    """Answers from a script, then `Done`; what a restart does to the sim is the test's to say."""

    servers: tuple[str, ...] = ("*",)

    def __init__(self) -> None:
        self.orders: list[RestartRequest] = []
        self.script: list[Outcome] = []
        self.short: ShortOfResources | None = None
        self.effect: Callable[[str], None] = lambda target: None
        self.stopped: list[str] = []
        self.started: list[str] = []
        self.on_stop: Callable[[str], None] = lambda target: None

    @property
    def calls(self) -> list[str]:
        """Whom it was called for."""
        return [order.target for order in self.orders]

    def restart(self, order: RestartRequest) -> Outcome:
        self.orders.append(order)
        if self.short:
            raise self.short
        outcome = self.script.pop(0) if self.script else Done("started")
        if isinstance(outcome, Done):
            self.effect(order.target)
        return outcome

    def stop(self, order: RestartRequest) -> Outcome:
        self.stopped.append(order.target)
        self.on_stop(order.target)
        return Done("stopped")

    def start(self, order: RestartRequest) -> Outcome:
        self.started.append(order.target)
        self.effect(order.target)
        return Done("started")

    def inspect(self, request: RestartRequest) -> Outcome:
        raise AssertionError(f"the receiver never inspects {request.target}")


class Simulation:
    """Everything around one healer; time passes only when the story says so."""

    def __init__(self, home: Path, fleet: FleetConfig, url: str | None = None, **limits: Any) -> None:
        self.now = START
        self.fleet = fleet
        self.limits = ReceiverLimits(
            **{"start_allowance_seconds": 10, "cooldown_seconds": 0, "blast_trial": 2} | limits
        )
        self.store = BreakableStore(home / "bucket")
        self.driver = ScriptedDriver()
        self.journal = Journal.open(url or f"sqlite:///{home / 'journal.sqlite3'}")
        self.changes: list[StateChange] = []
        self.alive: dict[str, str] = {}
        self.work: dict[str, dict[str, Any]] = {}
        """What the state of each agent has beside its heartbeat."""
        self.observe = False
        self.firing: Firing | None = frozenset()
        self.silenced: set[tuple[str, str]] = set()
        (home / "bucket").mkdir(exist_ok=True)
        self.start()

    def start(self) -> None:
        """Start a receiver on what is there; the one before it is forgotten, as after a crash."""
        self.writer = Writer(self.journal)
        self.instruments, drivers = Instruments("receiver", INSTRUMENTS), {"supervisor": self.driver}
        settings = self.fleet.settings
        self.calls = AttemptRunner(
            drivers, self.writer, self.instruments, self.clock, self.changes.extend, self.limits.lease_seconds
        )
        self.healer = Healer(
            fleet=lambda: self.fleet,
            watch=HeartbeatReader(self.store, settings, self.clock),
            drivers=drivers,
            calls=self.calls,
            policy=make_policy(settings, self.limits, observe=self.observe),
            limits=FleetLimits(
                BlastRadius(
                    self.limits.blast_share,
                    self.limits.blast_at_least,
                    self.limits.blast_trial,
                    self.limits.blast_pause_seconds,
                ),
                RestartCap(self.limits.restarts_per_hour, self.limits.restarts_share, self.limits.restarts_at_least),
            ),
            silences=lambda: frozenset(self.silenced),
            firing=self.read_firing,
            journal=self.journal,
            writer=self.writer,
            instruments=self.instruments,
            clock=self.clock,
            on_changes=self.changes.extend,
        )

    async def read_firing(self, names: Collection[str]) -> Firing | None:
        """The alerts that fire by Alertmanager, where it answers."""
        return self.firing

    def clock(self) -> float:
        return self.now

    def beats(self, agent: str, instance: str, status: Status = Status.RUNNING, server: str = "alpha") -> None:
        """The agent writes its state now."""
        who = {"agent_id": agent, "instance_id": instance, "server": server}
        state = AgentState.take({**who, "status": status, "timestamp": self.now, **self.work.get(agent, {})})
        key = f"db/agents/{agent}_state.json"
        self.store.put(key, state.body())
        os.utime(self.store._root / key, (self.now, self.now))

    def lives(self, agent: str, instance: str) -> None:
        """The agent goes on writing as time passes."""
        self.alive[agent] = instance

    def dies(self, *agents: str) -> None:
        for agent in agents:
            self.beats(agent, self.alive.pop(agent, "one"))

    def receive(self, *arrivals: Arrival) -> list[StateChange]:
        """Alerts come in; returns what they changed."""
        changes: list[StateChange] = []
        asyncio.run(Inbox(self.writer, self.clock, changes.extend).put(arrivals))
        return changes

    def order(self, what: str, agent: str, episode: int = 0) -> list[StateChange] | None:
        """People order something from the page."""
        return asyncio.run(self.writer.commit(lambda connection: ORDERS[what](connection, agent, episode, self.now)))

    def passes(self, seconds: float) -> None:
        """Time passes in heartbeats; at each the living write and the receiver has its turn."""
        until = self.now + seconds
        while self.now < until:
            self.now += HEARTBEAT
            self.beat_all()
            self.turn()

    def beat_all(self) -> None:
        """Every living agent writes its state now."""
        for agent, instance in self.alive.items():
            self.beats(agent, instance)

    def turn(self) -> None:
        async def turn() -> None:
            await self.healer.turn()
            await asyncio.gather(*self.calls._tasks)

        asyncio.run(turn())

    def crashes_while_calling(self) -> None:
        """One turn in which the receiver dies after the attempt was committed and before the driver was called."""
        started = self.calls.start
        self.calls.start = lambda *_: None  # type: ignore[method-assign]
        self.turn()
        self.calls.start = started  # type: ignore[method-assign]
        self.start()

    def actions(self, **wanted: Any) -> list[dict[str, Any]]:
        with self.journal.transaction() as connection:
            return view.actions(connection, view.ActionFilter(**wanted))

    def measured(self, name: str, **labels: str) -> float | None:
        """A series of the receiver's own."""
        return self.instruments.registry.get_sample_value(f"nervesys_{name}", labels)

    def story(self, episode_id: int = 1) -> list[str]:
        """The verdicts of an episode, in their order."""
        with self.journal.transaction() as connection:
            found = view.read_details(connection, episode_id)
        assert found is not None
        return [line["verdict"] for line in found["history"]]

    def states(self) -> dict[str, str]:
        """The state of the newest episode of each agent."""
        return {row["agent"]: row["state"] for row in sorted(self.actions(), key=lambda row: row["id"])}

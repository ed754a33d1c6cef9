"""Turns episodes into decisions, and decisions into driver calls; the deciding itself is in `decide` and `blast`.

In each turn the receiver looks at the store once, decides about every episode that is due, commits all decisions at
once, and starts the driver calls that were decided.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from alerting.actions import REMEDIES, RESTART_AGENT, Proof
from alerting.drivers import Driver
from alerting.journal import Change, Episode, Journal, JournalUnavailable, State, Verdict, Writer, episodes, instances
from alerting.journal.states import FLEET
from alerting.receiver import metrics
from alerting.receiver.blast_radius import Admission, Incident, Radius, admit
from alerting.receiver.calls import Calls
from alerting.receiver.decide import decide, reopened
from alerting.receiver.decision_input import Case, Decision, Policy, Sight, Standing
from alerting.receiver.fleet import Fleet
from alerting.receiver.local import Limits
from alerting.receiver.maintenance import Silenced, maintenance
from alerting.receiver.watch import Look, Watch
from nervesys.clock import Clock
from nervesys.metrics import Instruments
from nervesys.settings import AgentConfig, Settings

SHORTEST_PAUSE = 0.5
HOUR_SECONDS = 3600

Decided = list[tuple[Case, Decision]]
Agents = Mapping[str, AgentConfig]


def policy_of(settings: Settings, limits: Limits, *, observe: bool = False) -> Policy:
    """The times and numbers that decisions go by, as the brain and the local file say them."""
    heartbeat = settings.thresholds.heartbeat
    return Policy(
        grace=heartbeat.grace_seconds,
        down=heartbeat.down_after_seconds,
        look=settings.monitoring.every_seconds("store", "agents"),
        settle=settings.monitoring.prometheus.evaluation_interval_seconds,
        proof=limits.start_allowance_seconds + 2 * heartbeat.interval_seconds,
        cooldown=limits.cooldown_seconds,
        window=limits.window_seconds,
        flap_window=limits.flap_window_seconds,
        flaps=limits.flap_recoveries,
        observe=observe,
    )


@dataclass(frozen=True)
class Healer:
    """Heals the agents of one fleet.

    Attributes:
        fleet: returns the newest version of the brain.
        watch: reads heartbeats and states from the store.
        drivers: those of this receiver, by name.
        silences: returns the alerts that are silenced in Alertmanager; called only where an episode is due; may block.
        cap: restarts of the whole fleet in an hour.
        told: called with what changed, once it is on disk.
    """

    fleet: Callable[[], Fleet]
    watch: Watch
    drivers: Mapping[str, Driver]
    calls: Calls
    policy: Policy
    radius: Radius
    silences: Callable[[], Silenced]
    cap: int
    journal: Journal
    writer: Writer
    instruments: Instruments
    clock: Clock
    told: Callable[[list[Change]], None]

    async def turn(self) -> None:
        """Look once, decide about everything that is due, and start the driver calls that are decided."""
        agents = self.fleet().agents
        look = await asyncio.to_thread(self.watch.look)
        self.instruments.set(metrics.BLIND, bool(look.blind))
        if look.astray:
            return  # leases and instants by this clock would keep other receivers off for as long as it is wrong
        now = self.clock()
        until = now + self.calls.lease_seconds
        due = await self.journal.run(
            lambda connection: episodes.claim(connection, now, owner=self.calls.owner, until=until)
        )
        due = [episode for episode in due if episode.id not in self.calls.under_way]
        silenced = await asyncio.to_thread(self.silences) if due else frozenset()
        decided = [(case, decide(case)) for case in await self._cases(due, look, agents, silenced)]
        down = await asyncio.to_thread(self.watch.down, agents, look) if _wanting(decided) else 0
        started, changes = await self.writer.commit(lambda connection: self._write(connection, decided, down, agents))
        self.told(changes)
        self._time_recoveries(decided, changes)
        for episode, attempt_id in started:
            self.calls.start(episode, attempt_id, agents[episode.agent])

    async def pause(self) -> float:
        """Seconds until the next episode is due, at least `SHORTEST_PAUSE` and at most the interval of looks."""
        now = self.clock()
        try:
            due_at = await self.journal.read(lambda connection: episodes.next_due(connection, now))
        except JournalUnavailable:
            due_at = None
        return self.policy.look if due_at is None else min(max(due_at - now, SHORTEST_PAUSE), self.policy.look)

    async def _cases(self, due: Sequence[Episode], look: Look, agents: Agents, silenced: Silenced) -> list[Case]:
        """Collect what the decisions need; the states of the agents are fetched concurrently."""
        sights = await asyncio.gather(*(asyncio.to_thread(self.watch.sight, one.agent, look) for one in due))
        standings = [self._standing(agents, *one, silenced) for one in zip(due, sights, strict=True)]
        known = list(zip(due, sights, standings, strict=True))
        return await self.journal.read(lambda connection: [self._case(connection, *one) for one in known])

    def _case(self, connection: Connection, episode: Episode, sight: Sight, standing: Standing) -> Case:
        now, policy = self.clock(), self.policy
        begun = episodes.attempts_since(
            connection, episode.action, episode.agent, now - max(policy.window, policy.cooldown)
        )
        healed = episodes.verdicts_since(connection, episode, Verdict.PROVEN, now - policy.flap_window)
        if not episode.open and not (standing.proof is Proof.OUTCOME and episode.state is State.RECOVERED):
            # no alert fires: only a silence that would make it fire opens it again
            episode, policy = reopened(episode, now), replace(policy, grace=policy.down)
        known = instances.of(connection, episode.agent)
        return Case(episode, sight, standing, tuple(begun), policy, now, healed, known.observe(sight.instance, now))

    def _standing(self, agents: Agents, episode: Episode, sight: Sight, silenced: Silenced) -> Standing:
        config, remedy = agents.get(episode.agent), REMEDIES.get(episode.action)
        if config is None or remedy is None:
            return Standing(configured=config is not None, proof=remedy.PROOF if remedy else None)
        may_restart = config.health.restart_on_failure or remedy.PROOF is not Proof.NEW_INSTANCE
        return Standing(
            maintenance=maintenance(config, episode, silenced, self.clock()),
            may_restart=config.enabled and may_restart,
            max_attempts=config.health.max_restart_attempts,
            unreachable=remedy.unreachable(self.drivers, config, sight.server),
            proof=remedy.PROOF,
        )

    def _write(
        self, connection: Connection, decided: Decided, down: int, agents: Agents
    ) -> tuple[list[tuple[Episode, int]], list[Change]]:
        """Write every decision of a turn to the journal; returns the attempts that begin, and what changed.

        Blast radius and cap are checked here: this transaction runs alone, so no other receiver checks them meanwhile.
        """
        now, incident = self.clock(), _incident(connection)
        admission = admit(_wanting(decided), incident, down, len(agents), self.radius)
        changes = self._latch(connection, incident, admission, now)
        latch = episodes.incident(connection, RESTART_AGENT)
        room = self.cap - episodes.attempts_of_fleet(connection, _restarting(), now - HOUR_SECONDS)
        started: list[tuple[Episode, int]] = []
        for case, wanted in decided:
            _remember(connection, case)
            decision = _held(case, wanted, admission, room)
            if decision.verdict is not Verdict.ACT:
                changes += _record(connection, case, decision, now)
                continue
            driver = REMEDIES[case.episode.action].driver_name(agents[case.episode.agent])
            trial_of = latch.id if latch and case.episode.id == admission.trial else case.episode.trial_of
            begun = self._begin(connection, case, decision, driver, trial_of, now)
            if begun is not None:
                started.append(begun)
                room -= case.restarts
                changes.append(Change(case.episode.agent, case.episode.action, State.RUNNING, decision.detail))
        return started, changes

    def _begin(
        self, connection: Connection, case: Case, decision: Decision, driver: str, trial_of: int | None, now: float
    ) -> tuple[Episode, int] | None:
        until = now + self.calls.lease_seconds
        return episodes.begin_attempt(
            connection,
            case.episode,
            driver,
            now,
            owner=self.calls.owner,
            lease_until=until,
            due_at=until,
            server=case.sight.server,
            trial_of=trial_of,
            opened_at=case.episode.opened_at,
            closed_at=None,
            **decision.fields,
        )

    def _latch(self, connection: Connection, incident: Incident, admission: Admission, now: float) -> list[Change]:
        """Open the fleet's incident where the blast radius is exceeded; end it once the trial agents have recovered."""
        if admission.trips:
            detail = "much of the fleet is down at once; the first few are restarted, the rest wait"
            episodes.open_episode(
                connection, RESTART_AGENT, FLEET, Verdict.BLAST_RADIUS, detail, now, state=State.ESCALATED
            )
            return [Change(FLEET, RESTART_AGENT, State.ESCALATED, detail)]
        if incident.open is not None and incident.released(self.radius):
            detail = f"{len(incident.trials)} on trial came back"
            return episodes.decide(connection, incident.open, State.RECOVERED, Verdict.PROVEN, detail, now)
        return []

    def _time_recoveries(self, decided: Decided, changes: Sequence[Change]) -> None:
        """Observe how long recoveries took; only those that this receiver wrote down, so that each counts once."""
        recovered = {change.agent for change in changes if change.state is State.RECOVERED}
        for case, _ in decided:
            if case.episode.agent in recovered and case.episode.driver:
                self.instruments.observe(metrics.RECOVERY, case.age, case.episode.driver)


def _remember(connection: Connection, case: Case) -> None:
    """Store the instance that was seen, where it is another one than before."""
    known = instances.of(connection, case.episode.agent)
    heard = known.observe(case.sight.instance, case.now)
    if heard != known:
        instances.keep(connection, case.episode.agent, heard)


def _restarting() -> list[str]:
    """The actions that restart agents."""
    return [name for name, remedy in REMEDIES.items() if remedy.PROOF is Proof.NEW_INSTANCE]


def _limited(case: Case, decision: Decision) -> bool:
    """Whether the decision is a restart that the blast radius and the hourly cap may hold back."""
    return decision.verdict is Verdict.ACT and case.restarts and not case.ordered


def _wanting(decided: Decided) -> list[Episode]:
    return [case.episode for case, decision in decided if _limited(case, decision)]


def _incident(connection: Connection) -> Incident:
    latch = episodes.incident(connection, RESTART_AGENT)
    return Incident(
        open=latch,
        trials=tuple(episodes.trials(connection, latch.id)) if latch else (),
        waiting=episodes.standing_at(connection, RESTART_AGENT, Verdict.BLAST_RADIUS),
        released_at=episodes.released_at(connection, RESTART_AGENT),
    )


def _held(case: Case, decision: Decision, admission: Admission, room: int) -> Decision:
    """The decision, or a deferral where the blast radius or the hourly cap of restarts does not allow it."""
    if not _limited(case, decision):
        return decision
    if case.episode.id not in admission.allowed:
        verdict = Verdict.BLAST_RADIUS
        detail = "much of the fleet is down at once; it waits for the proof of those restarted first"
    elif room <= 0:
        verdict, detail = Verdict.CAPPED, "the fleet had all the restarts that an hour may have"
    else:
        return decision
    return Decision(verdict, State.DEFERRED, detail, case.now + case.policy.look)


def _record(connection: Connection, case: Case, decision: Decision, now: float) -> list[Change]:
    """Write a decision that calls no driver; an ended episode that has no reason to open again stays as it is."""
    episode = case.episode
    if not episode.open and (decision.verdict is Verdict.BLIND or decision.state in (State.SKIPPED, State.REJECTED)):
        episodes.leave(connection, episode, decision.due_at if decision.verdict is Verdict.BLIND else None)
        return []
    kept = {name: getattr(episode, name) for name in ("opened_at", "attempt_at", "driver_errors", "trial_of")}
    fields = {**kept, "sign": episode.sign, "due_at": decision.due_at, "lease_owner": None, "lease_until": None}
    return episodes.decide(
        connection, episode, decision.state, decision.verdict, decision.detail, now, **{**fields, **decision.fields}
    )

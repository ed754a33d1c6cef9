"""Turns episodes into decisions, and decisions into attempts; `decide` and `blast_radius` make the decisions.

In each turn the receiver lists the heartbeats once, decides about every episode that is due, commits all decisions at
once, and starts the driver calls that follow.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from alerting.actions import REMEDIES, RESTART_AGENT, STOP_AGENT, Proof
from alerting.drivers import Driver
from alerting.journal import (
    ActionState,
    Episode,
    EpisodeVerdict,
    Journal,
    JournalUnavailable,
    StateChange,
    Writer,
    episodes,
    receive,
)
from alerting.journal.store_reads import keep_store_reads, read_store_reads
from alerting.overlay import WATCHDOG
from alerting.receiver import metrics, renewal
from alerting.receiver.approval_rules import ApprovalRules, read_approval_rules
from alerting.receiver.calls import AttemptRunner
from alerting.receiver.causes import RestartCause, find_causes
from alerting.receiver.decide import decide, reopened
from alerting.receiver.decision_input import AgentObservation, Case, Decision, Eligibility, Policy, with_causes
from alerting.receiver.decision_writer import write_turn
from alerting.receiver.firing import Firing
from alerting.receiver.fleet import FleetConfig
from alerting.receiver.journal_facts import JournalFacts, read_facts
from alerting.receiver.limits import FleetLimits, restarted_for_cause, restarts_wanted
from alerting.receiver.local import ReceiverLimits
from alerting.receiver.maintenance import Silenced, maintenance
from alerting.receiver.watch import HeartbeatListing, HeartbeatReader
from nervesys.clock import Clock
from nervesys.metrics import Instruments
from nervesys.settings import AgentConfig, Settings
from nervesys.settings.budgets import Budgets

SHORTEST_PAUSE = 0.5

Decisions = list[tuple[Case, Decision]]
Agents = Mapping[str, AgentConfig]
Causes = Mapping[str, RestartCause]


def make_policy(settings: Settings, limits: ReceiverLimits, *, observe: bool = False) -> Policy:
    """The times and numbers that decisions go by, from the brain and the local file."""
    heartbeat = settings.thresholds.heartbeat
    return Policy(
        grace=heartbeat.grace_seconds,
        down=heartbeat.down_after_seconds,
        check_interval=settings.monitoring.every_seconds("store", "agents"),
        settle=settings.monitoring.prometheus.evaluation_interval_seconds,
        proof=limits.start_allowance_seconds + 2 * heartbeat.interval_seconds,
        cooldown=limits.cooldown_seconds,
        window=limits.window_seconds,
        flap_window=limits.flap_window_seconds,
        flaps=limits.flap_recoveries,
        observe=observe,
        approval=limits.approval_seconds,
        heartbeat=heartbeat.interval_seconds,
    )


@dataclass(frozen=True)
class Healer:
    """Restarts the agents of one fleet, and runs the other actions of their alerts.

    Attributes:
        fleet: returns the newest version of the brain.
        watch: reads heartbeats and states from the store.
        drivers: those of this receiver, by name.
        silences: returns the alerts that are silenced in Alertmanager; called only where an episode is due; may block.
        firing: returns those of the named alerts that fire now, or None where that cannot be found out.
        limits: those of the whole fleet.
        on_changes: called with what changed, once it is on disk.
    """

    fleet: Callable[[], FleetConfig]
    watch: HeartbeatReader
    drivers: Mapping[str, Driver]
    calls: AttemptRunner
    policy: Policy
    limits: FleetLimits
    silences: Callable[[], Silenced]
    firing: Callable[[Collection[str]], Awaitable[Firing | None]]
    journal: Journal
    writer: Writer
    instruments: Instruments
    clock: Clock
    on_changes: Callable[[list[StateChange]], None]

    async def turn(self) -> None:
        """List the heartbeats once, decide about everything that is due, and start the driver calls that follow."""
        fleet = self.fleet()
        agents = fleet.agents
        causes = {action: find_causes(fleet.alerts, fleet.settings, action) for action in REMEDIES}
        await self._resume()
        listing = await asyncio.to_thread(self.watch.list_heartbeats)
        self.instruments.set(metrics.BLIND, bool(listing.blind))
        if listing.clock_off:
            return  # leases and instants by this clock would keep other receivers off for as long as it is wrong
        now = self.clock()
        if fleet.settings.budgets.start_again:
            await self._renew(agents, fleet.settings.budgets, causes[STOP_AGENT], now)
        until = now + self.calls.lease_seconds
        due = await self.journal.run(
            lambda connection: episodes.claim(connection, now, owner=self.calls.owner, until=until)
        )
        due = [episode for episode in due if episode.id not in self.calls.in_progress]
        silenced = await asyncio.to_thread(self.silences) if due else frozenset()
        cases = await self._cases(due, listing, agents, silenced)
        decisions = [(case, decide(case)) for case in await self._with_causes(cases, causes)]
        rules = await self.journal.read(lambda connection: read_approval_rules(connection, fleet.alerts, due))
        down: set[str] = set()
        if restarts_wanted(decisions):
            down = await asyncio.to_thread(self.watch.list_down, agents, listing)
        started, changes = await self.writer.commit(
            lambda connection: self._write(connection, decisions, rules, down, causes[RESTART_AGENT], agents)
        )
        self.on_changes(changes)
        self._time_recoveries(decisions, changes)
        for episode, attempt_id in started:
            self.calls.start(episode, attempt_id, agents[episode.agent])

    async def _resume(self) -> None:
        """Before the first read, learn from the journal since when the store was readable."""
        if self.watch.reads is None and (reads := await self.journal.read(read_store_reads)):
            self.watch.resume(reads)

    async def pause(self) -> float:
        """Seconds until the next episode is due, at least `SHORTEST_PAUSE` and at most the interval of checks."""
        now = self.clock()
        try:
            due_at = await self.journal.read(lambda connection: episodes.next_due(connection, now))
        except JournalUnavailable:
            due_at = None
        return (
            self.policy.check_interval
            if due_at is None
            else min(max(due_at - now, SHORTEST_PAUSE), self.policy.check_interval)
        )

    async def _cases(
        self, due: Sequence[Episode], listing: HeartbeatListing, agents: Agents, silenced: Silenced
    ) -> list[Case]:
        """Collect what the decisions need; the states of the agents are fetched concurrently."""
        observations = await asyncio.gather(
            *(asyncio.to_thread(self.watch.observe, episode.agent, listing) for episode in due)
        )
        eligibilities = [self._eligibility(agents, *pair, silenced) for pair in zip(due, observations, strict=True)]
        facts = await self.journal.read(
            lambda connection: read_facts(
                connection, list(zip(due, observations, strict=True)), self.policy, self._period_begin, self.clock()
            )
        )
        parts = zip(due, observations, eligibilities, strict=True)
        return [self._case(episode, observation, allowed, facts) for episode, observation, allowed in parts]

    def _period_begin(self, agent: str) -> float:
        """When the current period of an agent's budget began."""
        return renewal.period_begin(self.fleet().settings.budgets.shortest_stop(agent), self.clock())

    async def _renew(self, agents: Agents, budgets: Budgets, alerts: Collection[str], now: float) -> None:
        """Order the start of agents whose budget is renewed."""
        waiting = await self.journal.read(
            lambda connection: renewal.waiting_agents(connection, list(agents), budgets, now)
        )
        firing = await self.firing({*alerts, WATCHDOG}) if waiting else None
        if firing is not None:
            self.on_changes(
                await self.writer.commit(
                    lambda connection: renewal.start_again(connection, waiting, firing, alerts, now)
                )
            )

    async def _with_causes(self, cases: list[Case], causes: Mapping[str, Causes]) -> list[Case]:
        """The cases with those of their alerts that are not about silence, and whether these still fire."""
        judged = [case.episode.id for case in cases if causes.get(case.episode.action)]
        if not judged:
            return cases
        names = await self.journal.read(lambda connection: receive.alert_names(connection, judged))
        asked = set().union(*names.values()) & set().union(*causes.values())
        firing = await self.firing(asked) if asked else frozenset()
        return [
            with_causes(case, names.get(case.episode.id, set()), causes.get(case.episode.action, {}), firing)
            for case in cases
        ]

    def _case(
        self, episode: Episode, observation: AgentObservation, eligibility: Eligibility, facts: JournalFacts
    ) -> Case:
        now, policy, key = self.clock(), self.policy, (episode.action, episode.agent)
        if not episode.open and not (eligibility.proof is Proof.OUTCOME and episode.state is ActionState.RECOVERED):
            # no alert fires: only a silence that would make it fire opens it again
            episode, policy = reopened(episode, now), replace(policy, grace=policy.down)
        attempts, cause_gone = facts.attempts.get(key, ()), facts.incident.failed_for_cause(episode)
        if cause_gone:
            attempts = tuple(at for at in attempts if at >= (facts.incident.first_proven or 0))
        return Case(
            episode,
            observation,
            replace(eligibility, held=episode.agent in facts.held),
            attempts,
            policy,
            now,
            facts.recoveries.get(key, 0),
            facts.seen_of(episode.agent).observe(observation.instance, now),
            cause_gone=cause_gone,
        )

    def _eligibility(
        self, agents: Agents, episode: Episode, observation: AgentObservation, silenced: Silenced
    ) -> Eligibility:
        config, remedy = agents.get(episode.agent), REMEDIES.get(episode.action)
        if config is None or remedy is None:
            return Eligibility(configured=config is not None, proof=remedy.PROOF if remedy else None)
        may_restart = config.health.restart_on_failure or remedy.PROOF is not Proof.NEW_INSTANCE
        return Eligibility(
            maintenance=maintenance(config, episode, silenced, self.clock()),
            may_restart=config.enabled and may_restart,
            max_attempts=config.health.max_restart_attempts,
            unreachable=remedy.unreachable(self.drivers, config, observation.server),
            proof=remedy.PROOF,
            may_stop=self.fleet().settings.budgets.may_stop(episode.agent),
            progress=config.thresholds.over(self.fleet().settings.thresholds).progress,
        )

    def _write(
        self,
        connection: Connection,
        decisions: Decisions,
        rules: ApprovalRules,
        down: set[str],
        causes: Collection[str],
        agents: Agents,
    ) -> tuple[list[tuple[Episode, int]], list[StateChange]]:
        """Write every decision of a turn to the journal; returns the attempts that begin, and what changed.

        Blast radius and cap are checked here: this transaction runs alone, so no other receiver checks them meanwhile.
        """
        now = self.clock()
        if self.watch.reads:
            keep_store_reads(connection, self.watch.reads, self.watch.fresh_seconds, self.policy.check_interval)
        affected = len(down | restarted_for_cause(connection, causes))
        unapproved = rules.unapproved(decisions)
        limits, changes = self.limits.open_turn(connection, decisions, affected, len(agents), now, unapproved)
        begun, others = list[tuple[Case, Decision]](), list[tuple[Case, Decision]]()
        for case, wanted in decisions:
            decision = rules.apply(case, limits.apply(case, wanted))
            if decision.verdict is EpisodeVerdict.ACT:
                begun.append((case, self._attempt(case, decision, agents, limits.trial_of(case.episode), now)))
                limits.count_attempt(case)
            else:
                others.append((case, decision))
        started, written = write_turn(connection, begun, others, rules, now)
        return started, [*changes, *written]

    def _attempt(self, case: Case, decision: Decision, agents: Agents, trial_of: int | None, now: float) -> Decision:
        """The decision to act, with the columns of the attempt that begins."""
        until = now + self.calls.lease_seconds
        fields = {
            "driver": REMEDIES[case.episode.action].driver_name(agents[case.episode.agent]),
            "lease_owner": self.calls.owner,
            "lease_until": until,
            "due_at": until,
            "server": case.observation.server,
            "trial_of": trial_of,
            "opened_at": case.episode.opened_at,
            "closed_at": None,
        }
        return replace(decision, fields={**fields, **decision.fields})

    def _time_recoveries(self, decisions: Decisions, changes: Sequence[StateChange]) -> None:
        """Observe how long recoveries took; only those that this receiver wrote down, so that each counts once."""
        recovered = {change.agent for change in changes if change.state is ActionState.RECOVERED}
        for case, _ in decisions:
            if case.episode.agent in recovered and case.episode.driver:
                self.instruments.observe(metrics.RECOVERY, case.age, case.episode.driver)

"""Writes the decisions of one turn to the journal, all of them with a few statements."""

from collections.abc import Sequence

from sqlalchemy import Connection

from alerting.journal import ActionState, Episode, EpisodeVerdict, StateChange, batches, episodes, instances
from alerting.journal.batches import EpisodeChange
from alerting.receiver.approval_rules import ApprovalRules
from alerting.receiver.decision_input import Case, Decision

Decisions = Sequence[tuple[Case, Decision]]


def write_turn(
    connection: Connection, begun: Decisions, others: Decisions, rules: ApprovalRules, now: float
) -> tuple[list[tuple[Episode, int]], list[StateChange]]:
    """Write decisions; returns the attempts that begin, and what changed.

    Args:
        connection: an open transaction that runs alone.
        begun: decisions to act, with the columns of the attempts.
        others: decisions that call no driver.
        rules: of approvals; they ask people, and end questions.
        now: Unix seconds.
    """
    _store_instances(connection, [case for case, _ in (*begun, *others)])
    attempts = [
        EpisodeChange(
            case.episode,
            decision.state,
            decision.verdict,
            decision.detail if case.firing_causes else "",
            decision.fields,
        )
        for case, decision in begun
    ]
    started = batches.begin_attempts(connection, attempts, now)
    running = {episode.id for episode, _ in started}
    changes = {
        case.episode.id: [_running(case, decision)] for case, decision in begun if case.episode.id in running
    } | _write_others(connection, others, now)
    for case, decision in (*begun, *others):
        rules.write(connection, case, decision, changes.get(case.episode.id, []), now)
    return started, [change for some in changes.values() for change in some]


def _write_others(connection: Connection, decisions: Decisions, now: float) -> dict[int, list[StateChange]]:
    """Write decisions that call no driver; an ended episode that has no reason to open again stays as it is."""
    wanted: list[EpisodeChange] = []
    for case, decision in decisions:
        episode = case.episode
        blind = decision.verdict is EpisodeVerdict.BLIND
        if not episode.open and (blind or decision.state in (ActionState.SKIPPED, ActionState.REJECTED)):
            episodes.release(connection, episode, decision.due_at if blind else None)
            continue
        free = {"due_at": decision.due_at, "lease_owner": None, "lease_until": None}
        wanted.append(
            EpisodeChange(episode, decision.state, decision.verdict, decision.detail, {**free, **decision.fields})
        )
    return batches.decide_all(connection, wanted, now)


def _store_instances(connection: Connection, cases: Sequence[Case]) -> None:
    """Store the instances that were seen, where they are others than before."""
    known = instances.read_instances(connection, [case.episode.agent for case in cases])
    changed = {}
    for case in cases:
        before = known.get(case.episode.agent, instances.NONE_SEEN)
        seen = before.observe(case.observation.instance, case.now)
        if seen != before:
            changed[case.episode.agent] = seen
    instances.store_instances(connection, changed)


def _running(case: Case, decision: Decision) -> StateChange:
    return StateChange(case.episode.agent, case.episode.action, ActionState.RUNNING, decision.detail)

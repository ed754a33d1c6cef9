"""Decides what to do about one agent: a pure function from a `Case` to a `Decision`.

`BASIC_RULES`, then those of the action's proof, are tried in their order; the first one that returns a decision wins.
Where none does, the action is attempted. The decision's verdict names the rule in the journal and in the log.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from alerting.actions import START_AGENT, Proof
from alerting.journal.states import OPEN_STATES, ActionState, Episode, EpisodeVerdict
from alerting.receiver import attempt_limits, stopping
from alerting.receiver.decision_input import Case, Decision, escalate, stay
from nervesys.contract import Status


def decide(case: Case) -> Decision:
    """The decision about one episode."""
    rules = RULES.get(case.eligibility.proof, ()) if case.eligibility.proof else ()
    decision = next(filter(None, (rule(case) for rule in (*BASIC_RULES, *rules))), None) or _act(case)
    if _observes_only(case, decision):
        why = "a test" if case.episode.test else "observing"
        decision = Decision(EpisodeVerdict.OBSERVED, ActionState.SKIPPED, f"{why}; it would be: {decision.verdict}")
    return replace(decision, fields={"waited": case.waited, "looked_at": case.now, **decision.fields})


def _observes_only(case: Case, decision: Decision) -> bool:
    """Whether a decision must only be journalled: the episode is a test, or the receiver is in mode `observe`.

    An attempt from before that mode was set may still be proven; only new driver calls are held back.
    """
    if not (case.episode.test or case.policy.observe):
        return False
    if case.acted or case.escalated:
        return decision.verdict is EpisodeVerdict.ACT
    return decision.state in OPEN_STATES and decision.state is not ActionState.DEFERRED


def reopened(episode: Episode, now: float) -> Episode:
    """An ended episode as a new one, to decide whether it has to be opened again."""
    return replace(
        episode,
        state=ActionState.PENDING,
        opened_at=now,
        attempt_at=None,
        driver_errors=0,
        sign="",
        waited=0.0,
        looked_at=None,
        trial_of=None,
    )


def _unknown_agent(case: Case) -> Decision | None:
    if case.eligibility.configured:
        return None
    return Decision(EpisodeVerdict.UNKNOWN_AGENT, ActionState.REJECTED, "the agent is no longer in the brain")


def _unknown_action(case: Case) -> Decision | None:
    """The journal may hold episodes of an action that another version of the receiver had."""
    if case.eligibility.proof is not None:
        return None
    return Decision(
        EpisodeVerdict.UNKNOWN_ACTION, ActionState.REJECTED, f"this receiver has no action {case.episode.action}"
    )


def _done(case: Case) -> Decision | None:
    """An action whose outcome is its proof is over once it succeeded; repeats of the firing do not run it again."""
    if case.episode.state not in (ActionState.SUCCEEDED, ActionState.RECOVERED):
        return None
    return Decision(EpisodeVerdict.PROVEN, ActionState.RECOVERED, case.episode.detail or "it reported success")


def _ordered(case: Case) -> Decision | None:
    """An operator's request waits while the store cannot be read: the instance before the restart must be known."""
    if not case.ordered:
        return None
    if case.episode.action == START_AGENT and case.fresh and case.working and not case.observation.blind:
        return Decision(EpisodeVerdict.FRESH, ActionState.SKIPPED, "it runs already")
    if case.observation.blind:
        return Decision(
            EpisodeVerdict.ORDERED, ActionState.PENDING, case.observation.blind, case.now + case.policy.check_interval
        )
    if case.eligibility.unreachable:
        return escalate(case, EpisodeVerdict.UNREACHABLE_SERVER, case.eligibility.unreachable)
    return replace(_act(case), detail=case.episode.detail if case.episode.action == START_AGENT else BY_OPERATOR)


def _blind(case: Case) -> Decision | None:
    if not case.observation.blind:
        return None
    return stay(case, EpisodeVerdict.BLIND, case.observation.blind)


def _unverified(case: Case) -> Decision | None:
    """An agent with a fresh heartbeat is not restarted for an alert that may have been resolved."""
    if not case.firing_unknown:
        return None
    names = " and ".join(sorted(cause.alert for cause in case.causes))
    return stay(case, EpisodeVerdict.BLIND, f"no Alertmanager answers whether {names} still fires")


def _duplicated(case: Case) -> Decision | None:
    """Two instances run under one name: a restart would reach one of them at best, so an operator must stop one."""
    if not case.duplicated:
        return None
    detail = f"instances {' and '.join(sorted(case.instances.known[-2:]))} write in turn; stop one of them"
    return replace(escalate(case, EpisodeVerdict.DUPLICATE_AGENT, detail), fields={"baseline": "", "sign": ""})


def _proof(case: Case) -> Decision | None:
    """Recovered means: another instance than before, with status running or idle, seen at two different heartbeats.

    Where the cause was no silence, its alert must be quiet as well; where it was that the agent got nowhere, its state
    must show progress.
    """
    if not ((case.acted or case.escalated) and case.replaced and case.working and case.fresh):
        return None
    instance, _, version = case.episode.sign.rpartition(" ")
    if instance == case.instance and version != case.observation.version:
        if case.firing_causes and not case.refuted:
            return _still_firing(case)
        if case.lacks_progress:
            return _idling(case)
        made = " and makes progress" if case.progress_subjects else ""
        detail = f"instance {case.instance} is running{made}"
        return Decision(EpisodeVerdict.PROVEN, ActionState.RECOVERED, detail, case.now + 2 * case.policy.down)
    sign = f"{case.instance} {case.observation.version}"
    first = stay(case, EpisodeVerdict.FIRST_SIGN, f"instance {case.instance} seen once", sign=sign)
    until_next = case.policy.heartbeat - case.observation.age
    if until_next <= 0:
        return first
    # not only then: in between, another instance of the same name may write
    return replace(first, due_at=case.now + min(until_next + LATE_SECONDS, case.policy.check_interval))


def _still_firing(case: Case) -> Decision | None:
    """Wait until the window of the alert has passed; None where it fires even then, so that the proof is missing."""
    if case.escalated or case.waited < case.proof_seconds:
        detail = f"instance {case.instance} is running; waiting for {case.firing_causes[0].alert} to resolve"
        return stay(case, EpisodeVerdict.STILL_FIRING, detail)
    return None


def _idling(case: Case) -> Decision | None:
    """Wait until the new instance gets anywhere; None where it does not in time, so that the proof is missing."""
    if case.escalated or case.waited < case.proof_seconds:
        return stay(case, EpisodeVerdict.NO_PROGRESS, f"instance {case.instance} is running; waiting for progress")
    return None


def _refuted(case: Case) -> Decision | None:
    """An alert that an agent gets nowhere does nothing once its state shows progress; it may be minutes old."""
    if case.acted or case.escalated or not (case.fresh and case.refuted):
        return None
    names = " and ".join(cause.alert for cause in case.firing_causes)
    detail = f"{names} fires, and the agent's state shows progress"
    return Decision(EpisodeVerdict.PROGRESSING, ActionState.SKIPPED, detail, case.now + 2 * case.policy.down)


def _stopping(case: Case) -> Decision | None:
    """Status `stopping` with fresh heartbeats waits for the grace period; after that the agent counts as down."""
    if not (case.stopping and case.fresh) or case.age >= case.policy.grace:
        return None
    return stay(case, EpisodeVerdict.STOPPING, "status stopping; waiting for it to end")


def _alive(case: Case) -> Decision | None:
    """A fresh heartbeat without proof of recovery: nothing to do, or wait; an agent that starts is not restarted."""
    if not case.fresh or case.stopping:
        return None
    if case.escalated:
        verdict = EpisodeVerdict.FRESH if case.cause_gone else EpisodeVerdict.WAITING
        return stay(case, verdict, "heartbeat seen, but of no new instance")
    if case.acted and case.waited < case.proof_seconds:
        return stay(
            case,
            EpisodeVerdict.STARTING if case.replaced else EpisodeVerdict.WAITING,
            "heartbeat seen; waiting for proof",
        )
    if case.acted and case.replaced and not case.working:
        detail = f"instance {case.instance} has a heartbeat, but is neither running nor idle"
        return Decision(
            EpisodeVerdict.NOT_WORKING, ActionState.ESCALATED, detail, case.now + case.policy.check_interval
        )
    if case.firing_causes:
        return None
    verdict, detail = EpisodeVerdict.FRESH, f"its last heartbeat is {case.observation.age:.0f} s old"
    if case.causes:
        names = " and ".join(sorted(cause.alert for cause in case.causes))
        verdict, detail = EpisodeVerdict.QUIET, f"{names} no longer fires, and {detail}"
    return Decision(verdict, ActionState.SKIPPED, detail, case.now + 2 * case.policy.down)


def _stopped(case: Case) -> Decision | None:
    """Status `stopped` means stopped deliberately, unless it comes from the instance that this receiver restarted."""
    stopped = case.observation.state is not None and case.observation.state.status is Status.STOPPED
    if not stopped or (case.acted and not case.replaced):
        return None
    return Decision(EpisodeVerdict.STOPPED, ActionState.SKIPPED, "stopped deliberately")


def _waiting(case: Case) -> Decision | None:
    if case.escalated and not case.cause_gone:
        return stay(case, EpisodeVerdict.WAITING, "waiting for an operator")
    if case.episode.state not in (ActionState.RUNNING, ActionState.SUCCEEDED):
        return None
    if case.waited < case.proof_seconds:
        return stay(case, EpisodeVerdict.WAITING, "waiting for proof")
    detail = f"no new instance running within {case.proof_seconds:.0f} s"
    if case.replaced and case.firing_causes:
        detail = f"a new instance runs, but {case.firing_causes[0]}"
    elif case.replaced and case.progress_subjects:
        detail = f"a new instance runs, but made no progress within {case.proof_seconds:.0f} s"
    return Decision(EpisodeVerdict.NO_PROOF, ActionState.PENDING, detail, case.now)


def _maintained(case: Case) -> Decision | None:
    if not case.eligibility.maintenance:
        return None
    return stay(case, EpisodeVerdict.MAINTENANCE, case.eligibility.maintenance)


def _forbidden(case: Case) -> Decision | None:
    if not case.eligibility.may_restart:
        return Decision(
            EpisodeVerdict.RESTART_DISABLED, ActionState.REJECTED, "its file in the brain disables restarts"
        )
    if case.eligibility.unreachable:
        return escalate(case, EpisodeVerdict.UNREACHABLE_SERVER, case.eligibility.unreachable)
    return None


def _settling(case: Case) -> Decision | None:
    if case.age >= case.policy.settle:
        return None
    until = case.episode.opened_at + case.policy.settle
    return Decision(
        EpisodeVerdict.SETTLING, ActionState.DEFERRED, "waiting for other agents that may be down too", until
    )


def _act(case: Case) -> Decision:
    fields = {"baseline": case.instance, "sign": "", "waited": 0.0}
    if case.stops:
        why = " and ".join(map(str, case.firing_causes))
    elif not case.restarts:
        why = f"{case.episode.alert} is firing"
    elif case.fresh and case.firing_causes:
        why = " and ".join(map(str, case.firing_causes))
    else:
        why = "stopping for too long" if case.stopping else f"silent for {case.observation.age:.0f} s"
    return Decision(EpisodeVerdict.ACT, ActionState.RUNNING, why, fields=fields)


LATE_SECONDS = 2.0
"""That the second heartbeat may be late; if it is later, the next look is an interval of checks later."""
BY_OPERATOR = "requested by an operator"
Rule = Callable[[Case], Decision | None]

BASIC_RULES: tuple[Rule, ...] = (_unknown_agent, _unknown_action)
RESTART_RULES: tuple[Rule, ...] = (
    _ordered,
    stopping.held,
    _blind,
    _unverified,
    _duplicated,
    _proof,
    _stopping,
    _refuted,
    _alive,
    _stopped,
    _waiting,
    _maintained,
    _forbidden,
    _settling,
    attempt_limits.exhausted,
    attempt_limits.flapping,
    attempt_limits.backing_off,
    attempt_limits.cooling,
)
OUTCOME_RULES: tuple[Rule, ...] = (
    _done,
    _blind,
    _waiting,
    _maintained,
    _forbidden,
    attempt_limits.exhausted,
    attempt_limits.flapping,
    attempt_limits.backing_off,
    attempt_limits.cooling,
)
"""Without those about heartbeats: a fresh one does not refute the alert."""
STOP_RULES: tuple[Rule, ...] = (
    stopping.without_budget,
    _blind,
    _unverified,
    *stopping.BEFORE_LIMITS,
    attempt_limits.exhausted,
    attempt_limits.backing_off,
)
RULES: Mapping[Proof, tuple[Rule, ...]] = {
    Proof.NEW_INSTANCE: RESTART_RULES,
    Proof.STOPPED: STOP_RULES,
    Proof.OUTCOME: OUTCOME_RULES,
}

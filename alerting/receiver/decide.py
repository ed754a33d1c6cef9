"""Decides what to do about one agent: a pure function from a `Case` to a `Decision`.

`BASIC_RULES`, then those of the action's proof, are tried in their order; the first one that returns a decision wins.
Where none does, the action is attempted. The decision's verdict names the rule in the journal and in the log.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from alerting.actions import Proof
from alerting.journal.states import OPEN_STATES, ActionState, Episode, EpisodeVerdict
from alerting.receiver.decision_input import Case, Decision
from nervesys.contract import Status
from nervesys.plural import count

BACK_OFF_SECONDS = (5.0, 10.0, 20.0)
"""Seconds before the next attempt, after one, two, three driver errors in a row.

After a driver call that succeeded the receiver waits for proof instead.
"""


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


def back_off(errors: int) -> float:
    """Seconds to wait after so many driver errors in a row."""
    return BACK_OFF_SECONDS[min(errors, len(BACK_OFF_SECONDS)) - 1]


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
    if case.observation.blind:
        return Decision(
            EpisodeVerdict.ORDERED, ActionState.PENDING, case.observation.blind, case.now + case.policy.check_interval
        )
    if case.eligibility.unreachable:
        return _escalate(case, EpisodeVerdict.UNREACHABLE_SERVER, case.eligibility.unreachable)
    return replace(_act(case), detail="requested by an operator")


def _blind(case: Case) -> Decision | None:
    if not case.observation.blind:
        return None
    return _stay(case, EpisodeVerdict.BLIND, case.observation.blind)


def _duplicated(case: Case) -> Decision | None:
    """Two instances run under one name: a restart would reach one of them at best, so an operator must stop one."""
    if not case.duplicated:
        return None
    detail = f"instances {' and '.join(sorted(case.instances.known[-2:]))} write in turn; stop one of them"
    return replace(_escalate(case, EpisodeVerdict.DUPLICATE_AGENT, detail), fields={"baseline": "", "sign": ""})


def _proof(case: Case) -> Decision | None:
    """Recovered means: another instance than before, with status running or idle, seen at two different heartbeats."""
    if not ((case.acted or case.escalated) and case.replaced and case.working and case.fresh):
        return None
    instance, _, version = case.episode.sign.rpartition(" ")
    if instance == case.instance and version != case.observation.version:
        detail = f"instance {case.instance} is running"
        return Decision(EpisodeVerdict.PROVEN, ActionState.RECOVERED, detail, case.now + 2 * case.policy.down)
    sign = f"{case.instance} {case.observation.version}"
    return _stay(case, EpisodeVerdict.FIRST_SIGN, f"instance {case.instance} seen once", sign=sign)


def _stopping(case: Case) -> Decision | None:
    """Status `stopping` with fresh heartbeats waits for the grace period; after that the agent counts as down."""
    if not (case.stopping and case.fresh) or case.age >= case.policy.grace:
        return None
    return _stay(case, EpisodeVerdict.STOPPING, "status stopping; waiting for it to end")


def _alive(case: Case) -> Decision | None:
    """A fresh heartbeat without proof of recovery: nothing to do, or wait; an agent that starts is not restarted."""
    if not case.fresh or case.stopping:
        return None
    if case.escalated:
        return _stay(case, EpisodeVerdict.WAITING, "heartbeat seen, but of no new instance")
    if case.acted and case.waited < case.policy.proof:
        return _stay(
            case,
            EpisodeVerdict.STARTING if case.replaced else EpisodeVerdict.WAITING,
            "heartbeat seen; waiting for proof",
        )
    if case.acted and case.replaced:
        detail = f"instance {case.instance} has a heartbeat, but is neither running nor idle"
        return Decision(
            EpisodeVerdict.NOT_WORKING, ActionState.ESCALATED, detail, case.now + case.policy.check_interval
        )
    detail = f"its last heartbeat is {case.observation.age:.0f} s old"
    return Decision(EpisodeVerdict.FRESH, ActionState.SKIPPED, detail, case.now + 2 * case.policy.down)


def _stopped(case: Case) -> Decision | None:
    """Status `stopped` means stopped deliberately, unless it comes from the instance that this receiver restarted."""
    stopped = case.observation.state is not None and case.observation.state.status is Status.STOPPED
    if not stopped or (case.acted and not case.replaced):
        return None
    return Decision(EpisodeVerdict.STOPPED, ActionState.SKIPPED, "stopped deliberately")


def _waiting(case: Case) -> Decision | None:
    if case.escalated:
        return _stay(case, EpisodeVerdict.WAITING, "waiting for an operator")
    if case.episode.state not in (ActionState.RUNNING, ActionState.SUCCEEDED):
        return None
    if case.waited < case.policy.proof:
        return _stay(case, EpisodeVerdict.WAITING, "waiting for proof")
    detail = f"no new instance running within {case.policy.proof:.0f} s"
    return Decision(EpisodeVerdict.NO_PROOF, ActionState.PENDING, detail, case.now)


def _maintained(case: Case) -> Decision | None:
    if not case.eligibility.maintenance:
        return None
    return _stay(case, EpisodeVerdict.MAINTENANCE, case.eligibility.maintenance)


def _forbidden(case: Case) -> Decision | None:
    if not case.eligibility.may_restart:
        return Decision(
            EpisodeVerdict.RESTART_DISABLED, ActionState.REJECTED, "its file in the brain disables restarts"
        )
    if case.eligibility.unreachable:
        return _escalate(case, EpisodeVerdict.UNREACHABLE_SERVER, case.eligibility.unreachable)
    return None


def _settling(case: Case) -> Decision | None:
    if case.age >= case.policy.settle:
        return None
    until = case.episode.opened_at + case.policy.settle
    return Decision(
        EpisodeVerdict.SETTLING, ActionState.DEFERRED, "waiting for other agents that may be down too", until
    )


def _exhausted(case: Case) -> Decision | None:
    recent = [begun for begun in case.attempts if begun > case.now - case.policy.window]
    if len(recent) < case.eligibility.max_attempts:
        return None
    detail = (
        f"{count(len(recent), 'attempt')} in {case.policy.window:.0f} s; {case.eligibility.max_attempts} are allowed"
    )
    return _escalate(case, EpisodeVerdict.ATTEMPTS_EXHAUSTED, detail)


def _flapping(case: Case) -> Decision | None:
    """Several recoveries in the window, each followed by a failure: restarts do not help."""
    if case.recoveries < case.policy.flaps:
        return None
    detail = f"{case.recoveries} recoveries in {case.policy.flap_window:.0f} s, each followed by a failure"
    return _escalate(case, EpisodeVerdict.FLAPPING, detail)


def _backing_off(case: Case) -> Decision | None:
    errors = case.episode.driver_errors
    if not errors or not case.attempts:
        return None
    until = case.attempts[-1] + back_off(errors)
    return (
        Decision(EpisodeVerdict.BACKING_OFF, ActionState.DEFERRED, case.episode.detail, until)
        if case.now < until
        else None
    )


def _cooling(case: Case) -> Decision | None:
    if case.episode.driver_errors or not case.attempts:
        return None
    until = case.attempts[-1] + case.policy.cooldown
    detail = "restarted recently; cooling down"
    return Decision(EpisodeVerdict.COOLING_DOWN, ActionState.DEFERRED, detail, until) if case.now < until else None


def _act(case: Case) -> Decision:
    fields = {"baseline": case.instance, "sign": "", "waited": 0.0}
    if not case.restarts:
        why = f"{case.episode.alert} is firing"
    else:
        why = "stopping for too long" if case.stopping else f"silent for {case.observation.age:.0f} s"
    return Decision(EpisodeVerdict.ACT, ActionState.RUNNING, why, fields=fields)


def _stay(case: Case, verdict: EpisodeVerdict, detail: str, **fields: Any) -> Decision:
    """Check again at the next interval; an episode that was acted upon or escalated keeps its state."""
    state = case.episode.state if case.acted or case.escalated else ActionState.DEFERRED
    return Decision(verdict, state, detail, case.now + case.policy.check_interval, fields)


def _escalate(case: Case, verdict: EpisodeVerdict, detail: str) -> Decision:
    baseline = case.episode.baseline if case.acted else case.instance
    return Decision(
        verdict, ActionState.ESCALATED, detail, case.now + case.policy.check_interval, {"baseline": baseline}
    )


Rule = Callable[[Case], Decision | None]

BASIC_RULES: tuple[Rule, ...] = (_unknown_agent, _unknown_action)
RESTART_RULES: tuple[Rule, ...] = (
    _ordered,
    _blind,
    _duplicated,
    _proof,
    _stopping,
    _alive,
    _stopped,
    _waiting,
    _maintained,
    _forbidden,
    _settling,
    _exhausted,
    _flapping,
    _backing_off,
    _cooling,
)
OUTCOME_RULES: tuple[Rule, ...] = (
    _done,
    _blind,
    _waiting,
    _maintained,
    _forbidden,
    _exhausted,
    _flapping,
    _backing_off,
    _cooling,
)
"""Without those about heartbeats: a fresh one does not refute the alert."""
RULES: Mapping[Proof, tuple[Rule, ...]] = {Proof.NEW_INSTANCE: RESTART_RULES, Proof.OUTCOME: OUTCOME_RULES}

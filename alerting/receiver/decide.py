"""Decides what to do about one agent: a pure function from a `Case` to a `Decision`.

`BASIC_RULES`, then those of the action's proof, are tried in their order; the first one that returns a decision wins.
Where none does, the action is attempted. The decision's verdict names the rule in the journal and in the log.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from alerting.actions import Proof
from alerting.journal.states import OPEN_STATES, Episode, State, Verdict
from alerting.receiver.decision_input import Case, Decision
from nervesys.contract import Status

BACK_OFF_SECONDS = (5.0, 10.0, 20.0)
"""Seconds before the next attempt, after one, two, three driver errors in a row.

After a driver call that succeeded the receiver waits for proof instead.
"""


def decide(case: Case) -> Decision:
    """The decision about one episode."""
    rules = RULES.get(case.standing.proof, ()) if case.standing.proof else ()
    decision = next(filter(None, (rule(case) for rule in (*BASIC_RULES, *rules))), None) or _act(case)
    if _observes_only(case, decision):
        why = "a test" if case.episode.test else "observing"
        decision = Decision(Verdict.OBSERVED, State.SKIPPED, f"{why}; it would be: {decision.verdict}")
    return replace(decision, fields={"waited": case.waited, "looked_at": case.now, **decision.fields})


def _observes_only(case: Case, decision: Decision) -> bool:
    """Whether a decision must only be journalled: the episode is a test, or the receiver is in mode `observe`.

    An attempt from before that mode was set may still be proven; only new driver calls are held back.
    """
    if not (case.episode.test or case.policy.observe):
        return False
    if case.acted or case.escalated:
        return decision.verdict is Verdict.ACT
    return decision.state in OPEN_STATES and decision.state is not State.DEFERRED


def reopened(episode: Episode, now: float) -> Episode:
    """An ended episode as a new one, to decide whether it has to be opened again."""
    return replace(
        episode,
        state=State.PENDING,
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
    if case.standing.configured:
        return None
    return Decision(Verdict.UNKNOWN_AGENT, State.REJECTED, "the agent is no longer in the brain")


def _unknown_action(case: Case) -> Decision | None:
    """The journal may hold episodes of an action that another version of the receiver had."""
    if case.standing.proof is not None:
        return None
    return Decision(Verdict.UNKNOWN_ACTION, State.REJECTED, f"this receiver has no action {case.episode.action}")


def _done(case: Case) -> Decision | None:
    """An action whose outcome is its proof is over once it succeeded; repeats of the firing do not run it again."""
    if case.episode.state not in (State.SUCCEEDED, State.RECOVERED):
        return None
    return Decision(Verdict.PROVEN, State.RECOVERED, case.episode.detail or "it reported success")


def _ordered(case: Case) -> Decision | None:
    """An operator's order waits while the store cannot be read: the instance before the restart must be known."""
    if not case.ordered:
        return None
    if case.sight.blind:
        return Decision(Verdict.ORDERED, State.PENDING, case.sight.blind, case.now + case.policy.look)
    if case.standing.unreachable:
        return _escalate(case, Verdict.UNREACHABLE_SERVER, case.standing.unreachable)
    return replace(_act(case), detail="people ordered it")


def _blind(case: Case) -> Decision | None:
    if not case.sight.blind:
        return None
    return _stay(case, Verdict.BLIND, case.sight.blind)


def _duplicated(case: Case) -> Decision | None:
    """Two instances run under one name: a restart would reach one of them at best, so people have to stop the other."""
    if not case.duplicated:
        return None
    detail = f"instances {' and '.join(sorted(case.instances.known[-2:]))} speak in turn; stop one of them"
    return replace(_escalate(case, Verdict.DUPLICATE_AGENT, detail), fields={"baseline": "", "sign": ""})


def _proof(case: Case) -> Decision | None:
    """Recovered means: another instance than before, with a status of work, seen at two different heartbeats."""
    if not ((case.acted or case.escalated) and case.replaced and case.working and case.fresh):
        return None
    instance, _, version = case.episode.sign.rpartition(" ")
    if instance == case.instance and version != case.sight.version:
        detail = f"instance {case.instance} is at work"
        return Decision(Verdict.PROVEN, State.RECOVERED, detail, case.now + 2 * case.policy.down)
    sign = f"{case.instance} {case.sight.version}"
    return _stay(case, Verdict.FIRST_SIGN, f"instance {case.instance} spoke once", sign=sign)


def _stopping(case: Case) -> Decision | None:
    """Status `stopping` with fresh heartbeats is given the grace period; after that the agent counts as down."""
    if not (case.stopping and case.fresh) or case.age >= case.policy.grace:
        return None
    return _stay(case, Verdict.STOPPING, "it says that it stops, and is given time")


def _alive(case: Case) -> Decision | None:
    """A fresh heartbeat without proof of recovery: nothing to do, or wait; who is starting is not restarted."""
    if not case.fresh or case.stopping:
        return None
    if case.escalated:
        return _stay(case, Verdict.WAITING, "it speaks, but no new instance has proven itself")
    if case.acted and case.waited < case.policy.proof:
        return _stay(case, Verdict.STARTING if case.replaced else Verdict.WAITING, "it speaks, and is given time")
    if case.acted and case.replaced:
        detail = f"instance {case.instance} speaks, but does not get to work"
        return Decision(Verdict.NOT_WORKING, State.ESCALATED, detail, case.now + case.policy.look)
    detail = f"its last heartbeat is {case.sight.age:.0f} s old"
    return Decision(Verdict.FRESH, State.SKIPPED, detail, case.now + 2 * case.policy.down)


def _stopped(case: Case) -> Decision | None:
    """Status `stopped` means stopped on purpose, unless it comes from the instance that this receiver restarted."""
    stopped = case.sight.state is not None and case.sight.state.status is Status.STOPPED
    if not stopped or (case.acted and not case.replaced):
        return None
    return Decision(Verdict.STOPPED, State.SKIPPED, "it was stopped on purpose")


def _waiting(case: Case) -> Decision | None:
    if case.escalated:
        return _stay(case, Verdict.WAITING, "people have been asked")
    if case.episode.state not in (State.RUNNING, State.SUCCEEDED):
        return None
    if case.waited < case.policy.proof:
        return _stay(case, Verdict.WAITING, "the attempt is given time to prove itself")
    detail = f"no new instance at work within {case.policy.proof:.0f} s"
    return Decision(Verdict.NO_PROOF, State.PENDING, detail, case.now)


def _maintained(case: Case) -> Decision | None:
    if not case.standing.maintenance:
        return None
    return _stay(case, Verdict.MAINTENANCE, case.standing.maintenance)


def _forbidden(case: Case) -> Decision | None:
    if not case.standing.may_restart:
        return Decision(Verdict.RESTART_DISABLED, State.REJECTED, "its file in the brain forbids it")
    if case.standing.unreachable:
        return _escalate(case, Verdict.UNREACHABLE_SERVER, case.standing.unreachable)
    return None


def _settling(case: Case) -> Decision | None:
    if case.age >= case.policy.settle:
        return None
    until = case.episode.opened_at + case.policy.settle
    return Decision(Verdict.SETTLING, State.DEFERRED, "others may have fallen with it", until)


def _exhausted(case: Case) -> Decision | None:
    recent = [begun for begun in case.attempts if begun > case.now - case.policy.window]
    if len(recent) < case.standing.max_attempts:
        return None
    detail = f"{len(recent)} attempts in {case.policy.window:.0f} s; {case.standing.max_attempts} are allowed"
    return _escalate(case, Verdict.ATTEMPTS_EXHAUSTED, detail)


def _flapping(case: Case) -> Decision | None:
    """It recovered several times in the window and went down again each time: restarts do not help."""
    if case.recoveries < case.policy.flaps:
        return None
    detail = f"it came back {case.recoveries} times in {case.policy.flap_window:.0f} s, and fell each time"
    return _escalate(case, Verdict.FLAPPING, detail)


def _backing_off(case: Case) -> Decision | None:
    errors = case.episode.driver_errors
    if not errors or not case.attempts:
        return None
    until = case.attempts[-1] + back_off(errors)
    return Decision(Verdict.BACKING_OFF, State.DEFERRED, case.episode.detail, until) if case.now < until else None


def _cooling(case: Case) -> Decision | None:
    if case.episode.driver_errors or not case.attempts:
        return None
    until = case.attempts[-1] + case.policy.cooldown
    detail = "it was restarted a short while ago"
    return Decision(Verdict.COOLING_DOWN, State.DEFERRED, detail, until) if case.now < until else None


def _act(case: Case) -> Decision:
    fields = {"baseline": case.instance, "sign": "", "waited": 0.0}
    if not case.restarts:
        why = f"{case.episode.alert} is firing"
    else:
        why = "stopping without end" if case.stopping else f"silent for {case.sight.age:.0f} s"
    return Decision(Verdict.ACT, State.RUNNING, why, fields=fields)


def _stay(case: Case, verdict: Verdict, detail: str, **fields: Any) -> Decision:
    """Look again at the next interval; an episode that was acted upon or escalated keeps its state."""
    state = case.episode.state if case.acted or case.escalated else State.DEFERRED
    return Decision(verdict, state, detail, case.now + case.policy.look, fields)


def _escalate(case: Case, verdict: Verdict, detail: str) -> Decision:
    baseline = case.episode.baseline if case.acted else case.instance
    return Decision(verdict, State.ESCALATED, detail, case.now + case.policy.look, {"baseline": baseline})


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

"""Limits the attempts on one agent: their number, repeated recoveries, and the time between two of them.

Each rule returns a decision, or None where its limit does not hold the attempt back.
"""

from alerting.journal.states import ActionState, EpisodeVerdict
from alerting.receiver.decision_input import Case, Decision, escalate
from nervesys.plural import count

BACK_OFF_SECONDS = (5.0, 10.0, 20.0)
"""Seconds before the next attempt, after one, two, three driver errors in a row.

After a driver call that succeeded the receiver waits for proof instead.
"""


def back_off(errors: int) -> float:
    """Seconds to wait after so many driver errors in a row."""
    return BACK_OFF_SECONDS[min(errors, len(BACK_OFF_SECONDS)) - 1]


def exhausted(case: Case) -> Decision | None:
    """No more attempts within the window than the agent's file allows."""
    recent = [begun for begun in case.attempts if begun > case.now - case.policy.window]
    if len(recent) < case.eligibility.max_attempts:
        return None
    detail = (
        f"{count(len(recent), 'attempt')} in {case.policy.window:.0f} s; {case.eligibility.max_attempts} are allowed"
    )
    return escalate(case, EpisodeVerdict.ATTEMPTS_EXHAUSTED, detail)


def flapping(case: Case) -> Decision | None:
    """Several recoveries in the window, each followed by a failure: restarts do not help."""
    if case.recoveries < case.policy.flaps:
        return None
    detail = f"{case.recoveries} recoveries in {case.policy.flap_window:.0f} s, each followed by a failure"
    return escalate(case, EpisodeVerdict.FLAPPING, detail)


def backing_off(case: Case) -> Decision | None:
    """After driver errors, wait longer each time."""
    errors = case.episode.driver_errors
    if not errors or not case.attempts:
        return None
    until = case.attempts[-1] + back_off(errors)
    return (
        Decision(EpisodeVerdict.BACKING_OFF, ActionState.DEFERRED, case.episode.detail, until)
        if case.now < until
        else None
    )


def cooling(case: Case) -> Decision | None:
    """Between two restarts of one agent lies the cool-down."""
    if case.episode.driver_errors or not case.attempts:
        return None
    until = case.attempts[-1] + case.policy.cooldown
    detail = "restarted recently; cooling down"
    return Decision(EpisodeVerdict.COOLING_DOWN, ActionState.DEFERRED, detail, until) if case.now < until else None

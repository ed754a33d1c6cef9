"""When an entity falls silent, stutters, slows down, errs or says nothing new."""

from collections.abc import Callable

from alerting.gates import VITALITY
from tests.alerting.rules.kit import HOUR, Case, Fires, Story, World, exporter, from_, of, steady, step, until, watched

AURORA = {"entity": "aurora"}
BEAT = "heartbeat_timestamp_seconds"
NEVER_SILENT = watched(VITALITY)


def aurora(name: str, story: Story, **labels: str) -> World:
    """What the exporter says of one entity."""
    return {of("vitality", f"nervesys_vitality_{name}", **AURORA, **labels): story}


def rate(per_second: float, since: float = 0, before: float | None = None) -> Callable[[float], float]:
    """A counter that grows, at another rate before an instant."""
    slow = per_second if before is None else before
    return lambda t: slow * min(t, since) + per_second * max(0.0, t - since)


def pulses(answered: Story, received: Story) -> World:
    return aurora("pulses_received_total", received) | aurora("pulses_answered_total", answered)


def reactions(slow: Callable[[float], float]) -> World:
    """One reaction a second; so many of them are slow."""
    quick = rate(1)
    return aurora("reaction_seconds_bucket", lambda t: quick(t) - slow(t), le="0.1") | {
        series: quick for bound in ("2.5", "+Inf") for series in aurora("reaction_seconds_bucket", quick, le=bound)
    }


CASES = (
    Case(
        "VitalSignsSilent",
        "it stopped",
        NEVER_SILENT | aurora(BEAT, until(600)),
        silent=(895,),
        fires=(Fires(930, "aurora has shown no vital signs for 5m 30s", labels=AURORA),),
    ),
    Case(
        "VitalSignsSilent",
        "nobody could look",
        exporter(VITALITY, success=until(600)) | aurora(BEAT, until(600)),
        silent=(1800,),
    ),
    Case(
        "PulsesMissed",
        "one in ten is left unanswered",
        pulses(rate(0.9, 600, before=1), rate(1)),
        silent=(600,),
        fires=(Fires(1500, "aurora left 10% of its pulses unanswered", "warning", AURORA),),
    ),
    Case(
        "PulsesMissed",
        "hardly any pulse came, and one is on its way",
        pulses(rate(0.01), rate(0.02)),
        silent=(1500,),
    ),
    Case(
        "ReactionSlow",
        "a tenth of them takes two seconds",
        reactions(rate(0.1, 600, before=0)),
        silent=(600,),
        fires=(Fires(1500, "One in twenty reactions of aurora takes longer than 1.3s", "warning", AURORA),),
    ),
    Case(
        "VitalErrors",
        "they come every half minute",
        NEVER_SILENT | aurora("errors_total", rate(1 / 30, 600, before=0), kind="timeout"),
        silent=(600,),
        fires=(Fires(1500, "aurora had 20 errors within ten minutes", "warning", AURORA),),
    ),
    Case(
        "EntropyStalled",
        "it repeats itself",
        NEVER_SILENT | aurora("entropy_gain", step(600, 2.5, 0)),
        silent=(600, 2300),
        fires=(Fires(HOUR, "aurora has said nothing new for half an hour", "info", AURORA),),
    ),
    Case(
        "EntropyStalled",
        "it has only just begun",
        NEVER_SILENT | aurora("entropy_gain", from_(600, steady(0))),
        silent=(1200,),
    ),
)

"""When an entity falls silent, stutters, slows down, fails or adds no information."""

from collections.abc import Callable

from exporters.vitality.signs import ORIGIN as VITALITY
from tests.alerting.generate.rules.kit import (
    Case,
    Fires,
    Story,
    World,
    exporter,
    from_,
    now,
    of,
    steady,
    step,
    until,
    watched,
)

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
    return aurora("reaction_duration_seconds_bucket", lambda t: quick(t) - slow(t), le="0.1") | {
        series: quick
        for bound in ("2.5", "+Inf")
        for series in aurora("reaction_duration_seconds_bucket", quick, le=bound)
    }


CASES = (
    Case(
        "VitalSignsSilent",
        "it stopped",
        NEVER_SILENT | aurora(BEAT, until(600)),
        silent=(895,),
        fires=(Fires(930, "aurora has shown no vital signs for 5m 30s", labels=AURORA),),
        mended=aurora(BEAT, now),
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
        silent=(600, 855),
        fires=(Fires(915, "aurora left 5.25% of its pulses unanswered", "warning", AURORA),),
        mended=aurora("pulses_answered_total", lambda t: t - 33),
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
        silent=(600, 1080),
        fires=(Fires(1140, "One in twenty reactions of aurora takes longer than 1.167s", "warning", AURORA),),
        mended=reactions(lambda t: 55.5),
    ),
    Case(
        "VitalErrors",
        "they come every half minute",
        NEVER_SILENT | aurora("errors_total", rate(1 / 30, 600, before=0), kind="timeout"),
        silent=(600, 900),
        fires=(Fires(960, "aurora had 12 errors within ten minutes", "warning", AURORA),),
        mended=aurora("errors_total", steady(12.5), kind="timeout"),
    ),
    Case(
        "EntropyStalled",
        "it repeats itself",
        NEVER_SILENT | aurora("entropy_gain", step(600, 2.5, 0)),
        silent=(600, 2385),
        fires=(Fires(2415, "aurora has added no information for half an hour", "info", AURORA),),
        mended=aurora("entropy_gain", steady(2.5)),
    ),
    Case(
        "EntropyStalled",
        "it has only just begun",
        NEVER_SILENT | aurora("entropy_gain", from_(600, steady(0))),
        silent=(1200,),
    ),
)

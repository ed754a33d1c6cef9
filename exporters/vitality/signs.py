"""The families of the source, and the functions from vital signs to samples."""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from nervesys.contract import VitalSigns
from nervesys.errors import BadObject, Reason
from nervesys.metrics import ConditionTerm, Family, Sample, SourceArea
from nervesys.settings.thresholds import Thresholds

ENTITY = ("entity",)
ORIGIN = SourceArea("vitality", "vitality")
HEARTBEAT = Family(
    "vitality_heartbeat_timestamp_seconds",
    "gauge",
    "Time of the entity's last vital signs.",
    ENTITY,
    conditions=(
        ConditionTerm(
            word="vital signs",
            kind="absence",
            labels=ENTITY,
            origin=ORIGIN,
            threshold=lambda t: t.vitality_silent_seconds,
        ),
    ),
)
RECEIVED = Family(
    "vitality_pulses_received_total",
    "counter",
    "Pulses received by the entity.",
    ENTITY,
    conditions=(ConditionTerm(word="received pulses", kind="increase", labels=ENTITY, origin=ORIGIN),),
)
ANSWERED = Family(
    "vitality_pulses_answered_total",
    "counter",
    "Pulses answered by the entity.",
    ENTITY,
    conditions=(ConditionTerm(word="answered pulses", kind="increase", labels=ENTITY, origin=ORIGIN),),
)
REACTION = Family(
    "vitality_reaction_duration_seconds",
    "histogram",
    "Time from a pulse to the entity's visible reaction.",
    ENTITY,
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    conditions=(ConditionTerm(word="reaction time", kind="mean", labels=ENTITY, origin=ORIGIN),),
)
ENTROPY = Family(
    "vitality_entropy_gain",
    "gauge",
    "Information gain of the entity's newest reaction, in bits.",
    ENTITY,
    conditions=(ConditionTerm(word="entropy gain", kind="level", labels=ENTITY, origin=ORIGIN),),
)
DECAY = Family(
    "vitality_memory_decay_ratio",
    "gauge",
    "Share of the entity's memories that has decayed, 0 to 1.",
    ENTITY,
    conditions=(ConditionTerm(word="memory decay", kind="level", labels=ENTITY, origin=ORIGIN),),
)
ERRORS = Family(
    "vitality_errors_total",
    "counter",
    "Errors of the entity, by kind.",
    ("entity", "kind"),
    conditions=(ConditionTerm(word="vital errors", kind="increase", labels=ENTITY, origin=ORIGIN),),
)
CLIENTS = Family(
    "vitality_clients",
    "gauge",
    "Clients connected to the entity.",
    ENTITY,
    conditions=(ConditionTerm(word="connected clients", kind="level", labels=ENTITY, origin=ORIGIN),),
)

FAMILIES = (HEARTBEAT, RECEIVED, ANSWERED, REACTION, ENTROPY, DECAY, ERRORS, CLIENTS)

AREA = "vitality"
MAX_BYTES = 1 << 16
"""Of one entity's vital signs."""
KINDS_LIMIT, OTHER = 10, "other"


@dataclass(frozen=True)
class EntityState:
    """The state of one entity.

    Attributes:
        heartbeat: when it last showed vital signs, Unix seconds.
        version: of its vital signs.
        signs: as received; None where they are rejected.
        live: whether they are recent enough to be shown.
    """

    heartbeat: float
    version: str
    signs: VitalSigns | None
    live: bool


def samples(entity: str, state: EntityState, kinds: Collection[str]) -> Iterator[Sample]:
    """The samples of an entity; once it is silent, gauges are left out, and counters and heartbeat stay.

    Args:
        entity: its name.
        state: its state.
        kinds: of errors that have a series of their own.
    """
    yield HEARTBEAT.sample(state.heartbeat, entity)
    signs = state.signs
    if signs is None:
        return
    if signs.pulses is not None:
        yield RECEIVED.sample(signs.pulses.received, entity)
        yield ANSWERED.sample(signs.pulses.answered, entity)
    if signs.reaction_seconds is not None:
        yield from REACTION.histogram(
            convert_buckets(signs.reaction_seconds.buckets), signs.reaction_seconds.sum, entity
        )
    for kind, count in limit_kinds(signs.errors or {}, kinds).items():
        yield ERRORS.sample(count, entity, kind)
    gauges = ((ENTROPY, signs.entropy_gain), (DECAY, signs.memory_decay), (CLIENTS, signs.clients))
    for family, value in gauges if state.live else ():
        if value is not None:
            yield family.sample(value, entity)


def convert_buckets(counts: Mapping[str, float]) -> list[float]:
    """Convert an entity's buckets to ours: a count goes to the lowest bucket with a bound no lower than its own."""
    converted = [0.0] * (len(REACTION.buckets) + 1)
    for bound, count in counts.items():
        converted[bisect_left(REACTION.buckets, float(bound))] += count
    return converted


def limit_kinds(errors: Mapping[str, float], kinds: Collection[str]) -> dict[str, float]:
    """Errors of some kinds by name; those of all others as one."""
    kept = {kind: count for kind, count in sorted(errors.items()) if kind in kinds}
    if len(kept) < len(errors):
        kept[OTHER] = kept.get(OTHER, 0) + sum(count for kind, count in errors.items() if kind not in kinds)
    return kept


@dataclass(frozen=True)
class Freshness:
    """What an instant means now.

    Attributes:
        now: Unix seconds, by the clock that the instants are of.
        thresholds: how far ahead one may lie, and how long after it an entity is silent.
    """

    now: float
    thresholds: Thresholds

    def live(self, heartbeat: float) -> bool:
        """Whether it is recent."""
        return self.now - heartbeat <= self.thresholds.vitality_silent_seconds

    def check(self, heartbeat: float) -> None:
        """Refuse an instant that is yet to come.

        Raises:
            BadObject: `future`.
        """
        if heartbeat - self.now > self.thresholds.heartbeat.future_seconds:
            raise BadObject(Reason.FUTURE, f"vital signs {heartbeat - self.now:.0f} s ahead of the clock")

"""Vital signs: a small JSON object that an entity, in any language, writes to show that it is alive.

The format is documented in docs/how-to/show-vital-signs.md. Only `timestamp` is required.
"""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from nervesys.contract.names import entity_name
from nervesys.contract.objects import BoundedObject, Count, Instant, validated_name

MAX_BUCKETS = 64

EntityName = Annotated[str, validated_name(entity_name)]


def _bounds(counts: dict[str, float]) -> dict[str, float]:
    """Check that the bounds of buckets are positive numbers or `+Inf`."""
    if len(counts) > MAX_BUCKETS:
        raise ValueError(f"more than {MAX_BUCKETS} buckets")
    for bound in counts:
        try:
            good = float(bound) > 0
        except ValueError:
            good = False
        if not good:
            raise ValueError("a bucket is named by its upper bound in seconds, such as 0.25 or +Inf")
    return counts


class Pulses(BoundedObject):
    """Number of pulses since the start; a pulse in progress is received but not yet answered."""

    received: Count
    answered: Count

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.answered > self.received:
            raise ValueError("more pulses are answered than received")
        return self


class Reactions(BoundedObject):
    """Histogram of the time from a pulse to its visible effect, since the start.

    `buckets` counts reactions by upper bound in seconds, not cumulative; `sum` is their total in seconds.
    """

    buckets: Annotated[dict[str, Count], AfterValidator(_bounds)]
    sum: Count


class VitalSigns(BoundedObject):
    """The vital signs of an entity; counts start at 0 when it starts."""

    timestamp: Instant
    pulses: Pulses | None = None
    reaction_seconds: Reactions | None = None
    entropy_gain: Annotated[float, Field(allow_inf_nan=False)] | None = None
    memory_decay: Annotated[float, Field(ge=0, le=1)] | None = None
    errors: dict[str, Count] | None = None
    clients: Count | None = None

"""Vital signs: the one small JSON object by which an entity, whatever it is written in, says that its pulse beats.

The format is documented for authors in docs/how-to/show-vital-signs.md. Everything but `timestamp` may be left out.
"""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from nervesys.contract.names import entity_name
from nervesys.contract.state import ContractObject, Count, Instant, named

MAX_BUCKETS = 64

EntityName = Annotated[str, named(entity_name)]


def _bounds(counts: dict[str, float]) -> dict[str, float]:
    """Buckets whose bounds are numbers above 0, the last of them `+Inf` where there is one."""
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


class Pulses(ContractObject):
    """Pulses since the entity started; one that is on its way is received and not answered yet."""

    received: Count
    answered: Count

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.answered > self.received:
            raise ValueError("more pulses are answered than received")
        return self


class Reactions(ContractObject):
    """How long it took from a pulse to what could be seen of it, since the entity started.

    `buckets` counts reactions by upper bound in seconds, each reaction in one bucket only; `sum` adds up their seconds.
    """

    buckets: Annotated[dict[str, Count], AfterValidator(_bounds)]
    sum: Count


class VitalSigns(ContractObject):
    """What an entity says of itself; counts begin at its start, and begin anew with it."""

    timestamp: Instant
    pulses: Pulses | None = None
    reaction_seconds: Reactions | None = None
    entropy_gain: Annotated[float, Field(allow_inf_nan=False)] | None = None
    memory_decay: Annotated[float, Field(ge=0, le=1)] | None = None
    errors: dict[str, Count] | None = None
    clients: Count | None = None

"""Detects two running instances of one agent: after a restart, the old `instance_id` never returns."""

from dataclasses import dataclass
from typing import Self

REMEMBERED = 8
"""Most instances to remember; a crashing agent keeps creating new ones."""
NAME_LIMIT = 64
"""Longest `instance_id`, in characters; agents choose it freely."""


@dataclass(frozen=True, slots=True)
class Instances:
    """The known instances of one agent.

    Attributes:
        known: their `instance_id`s, the most recent last.
        returns: how often an earlier instance was seen again, which a restart never causes.
        returned_at: when that last happened, in Unix seconds.
    """

    known: tuple[str, ...] = ()
    returns: int = 0
    returned_at: float | None = None

    def observe(self, instance: str | None, at: float) -> Self:
        """Add an observation; returns itself if nothing changes.

        Args:
            instance: an `instance_id`; None or empty if the agent has none.
            at: Unix seconds.
        """
        name = (instance or "")[:NAME_LIMIT]
        if not name or name == self.latest:
            return self
        known = (*(other for other in self.known if other != name), name)[-REMEMBERED:]
        again = name in self.known
        return type(self)(known, self.returns + again, at if again else self.returned_at)

    @property
    def latest(self) -> str:
        """The most recent instance; empty if there is none."""
        return self.known[-1] if self.known else ""

    def is_alternating(self, now: float, within: float) -> bool:
        """Whether two instances seem to be running: an earlier one returned within the last seconds."""
        return self.returned_at is not None and abs(now - self.returned_at) <= within

"""Who speaks under one agent's name: a restart is a new instance once, and never the one before it again."""

from dataclasses import dataclass
from typing import Self

REMEMBERED = 8
"""Instances; an agent that crashes again and again makes ever new ones."""
NAME_LIMIT = 64
"""Characters kept of an `instance_id`, which an agent may choose as it likes."""


@dataclass(frozen=True, slots=True)
class Instances:
    """The instances that were heard of one agent.

    Attributes:
        known: their `instance_id`s; who spoke last stands last.
        returns: how often one spoke again after another had, which a restart never brings about.
        returned_at: when that last happened, Unix seconds.
    """

    known: tuple[str, ...] = ()
    returns: int = 0
    returned_at: float | None = None

    def heard(self, instance: str | None, at: float) -> Self:
        """What is known once an instance has spoken; itself where it tells nothing new.

        Args:
            instance: an `instance_id`; None or empty where the agent gives none.
            at: when, Unix seconds.
        """
        name = (instance or "")[:NAME_LIMIT]
        if not name or name == self.speaker:
            return self
        known = (*(other for other in self.known if other != name), name)[-REMEMBERED:]
        again = name in self.known
        return type(self)(known, self.returns + again, at if again else self.returned_at)

    @property
    def speaker(self) -> str:
        """Who spoke last; empty where nobody has."""
        return self.known[-1] if self.known else ""

    def alternate(self, now: float, within: float) -> bool:
        """Whether two run: one came back no longer than so many seconds ago."""
        return self.returned_at is not None and abs(now - self.returned_at) <= within

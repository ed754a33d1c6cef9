"""What a named condition is: one that joins several series, or has no bound to compare with."""

from collections.abc import Callable
from dataclasses import dataclass

from nervesys.settings import Settings


@dataclass(frozen=True)
class NamedCondition:
    """A condition with a name.

    Attributes:
        by: the labels that its result carries.
        promql: from the settings.
    """

    by: tuple[str, ...]
    promql: Callable[[Settings], str]

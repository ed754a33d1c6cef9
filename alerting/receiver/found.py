"""What was looked for, or why it is not there."""

from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class Found(Generic[Item]):
    """Some things, and a sentence for people where there are none.

    Attributes:
        silence: empty where there is nothing to explain.
    """

    items: tuple[Item, ...] = ()
    silence: str = ""

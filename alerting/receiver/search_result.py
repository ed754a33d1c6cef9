"""The result of a search: items, or the reason why there are none."""

from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class SearchResult(Generic[Item]):
    """Items, and a sentence for people where they are missing.

    Attributes:
        missing: why items are missing; empty where none are.
    """

    items: tuple[Item, ...] = ()
    missing: str = ""

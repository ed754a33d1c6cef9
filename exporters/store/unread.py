"""An object of the store that is to be read, and what was wrong with its lines."""

from collections import Counter
from dataclasses import dataclass

from nervesys.errors import Reason
from nervesys.stores.objects import ObjectInfo


@dataclass(frozen=True, slots=True)
class UnreadObject:
    """An object that is to be read.

    Attributes:
        folder: the period it lies in.
        info: the object.
        agent: whose object it is, as its key says; None where it does not.
    """

    folder: str
    info: ObjectInfo
    agent: str | None


def describe_skipped(skipped: Counter[Reason]) -> dict[Reason, str]:
    """Why lines of an object were skipped, in words."""
    problems = {reason: f"{count} lines skipped" for reason, count in skipped.items()}
    if Reason.COSTLY in problems:
        problems[Reason.COSTLY] = "not read to its end: too many bad lines, or too much CPU time"
    return problems

"""How one try of an action ended. Waiting, counting, journalling and giving up are the runner's."""

from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """Why a try did not do its work."""

    BAD_TARGET = "bad_target"
    NOT_FOUND = "not_found"
    NOT_ALLOWED = "not_allowed"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True)
class Done:
    """The other side says that it did it; whether it helped is seen elsewhere.

    Attributes:
        output: what a program printed; kept with the attempt, and shown nowhere else.
    """

    detail: str = ""
    output: str = ""


@dataclass(frozen=True)
class Retry:
    """Not done; another try may succeed."""

    cause: Cause
    detail: str
    output: str = ""


@dataclass(frozen=True)
class Failed:
    """Not done, and no further try will succeed before people mend something."""

    cause: Cause
    detail: str
    output: str = ""


Outcome = Done | Retry | Failed

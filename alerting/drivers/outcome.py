"""The outcome of one try of an action. Waiting, counting, journalling and giving up are up to the receiver."""

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
    """The other side reported success; whether the agent recovered is checked by the receiver.

    Attributes:
        output: what a program printed; stored with the attempt in the journal, and nowhere else.
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


@dataclass(frozen=True)
class NotTried:
    """The receiver's own machine lacked something, such as files or memory: this was no attempt."""

    detail: str


Outcome = Done | Retry | Failed

"""How much one query may read, and what it has read."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from nervesys.plural import count

PROBLEMS = 20
"""Objects that are named, at most; further ones are counted."""
CHECK_LINES = 500
"""Lines between two looks at the clock."""


@dataclass
class ReadBudget:
    """Limits of a query; None for none. It stops at the first that is reached.

    Attributes:
        max_bytes: of lines, unpacked.
        max_seconds: of elapsed time.
        bytes: that were read.
        lines: that were read.
        objects: that were read.
        listed: requests for listings, and folders of the archive that were listed.
        rejected: lines that are no records.
        unread: objects that could not be read.
        problems: why, of the first ones.
        exceeded: the limit that was reached, in words; empty for none.
        shortened: why a result has fewer records than were wanted, and are there; empty if it has not.
        progress: called after each object, and every now and then in between.
    """

    max_bytes: int | None = None
    max_seconds: float | None = None
    bytes: int = 0
    lines: int = 0
    objects: int = 0
    listed: int = 0
    rejected: int = 0
    unread: int = 0
    problems: list[str] = field(default_factory=list)
    exceeded: str = ""
    shortened: str = ""
    progress: Callable[["ReadBudget"], None] = lambda _: None
    _began: float = field(default_factory=time.monotonic)

    def spend(self, line: int) -> bool:
        """Count a line of so many bytes; False where the budget is used up."""
        self.bytes += line
        self.lines += 1
        if self.max_bytes is not None and self.bytes > self.max_bytes:
            self.exceeded = self.exceeded or f"stopped after reading {count(self.max_bytes, 'byte')} of log records"
        elif self.lines % CHECK_LINES == 0:
            self.check_time()
            self.progress(self)
        return not self.exceeded

    def check_time(self) -> bool:
        """Whether there is time left."""
        if self.max_seconds is not None and time.monotonic() - self._began > self.max_seconds:
            self.exceeded = self.exceeded or f"stopped after {self.max_seconds:g} s"
        return not self.exceeded

    def finish_object(self) -> None:
        """Count an object that was read."""
        self.objects += 1
        self.progress(self)

    def reject(self, problem: str) -> None:
        """Count an object that cannot be read."""
        self.unread += 1
        if len(self.problems) < PROBLEMS:
            self.problems.append(problem)

    @property
    def seconds(self) -> float:
        """Elapsed seconds."""
        return time.monotonic() - self._began

    @property
    def warnings(self) -> list[str]:
        """What is missing in the result, and why."""
        left = self.unread - len(self.problems)
        return [
            *([f"{self.exceeded}; narrow the time range or the labels"] if self.exceeded else []),
            *([self.shortened] if self.shortened else []),
            *(f"not read: {problem}" for problem in self.problems),
            *([f"not read: {count(left, 'further object')}"] if left > 0 else []),
            *([f"skipped {count(self.rejected, 'line')} that are no log records"] if self.rejected else []),
        ]

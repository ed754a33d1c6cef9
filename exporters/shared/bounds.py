"""Bounds what one log object may cost: a few kilobytes can unpack to 256 MiB of lines, good or bad."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from nervesys.errors import Reason

MAX_BAD_LINES = 1000
"""Bad lines of one object, unless more than half of its lines are good."""
CHECK_LINES = 64
"""Lines between two checks."""


def bounded(lines: Iterable[bytes], skipped: Counter[Reason], is_used_up: Callable[[], bool]) -> Iterator[bytes]:
    """The lines of an object up to its bounds; where they end it, `costly` is counted.

    Args:
        lines: of the object; unpacking them counts too.
        skipped: bad lines by reason, counted by whoever parses the lines, in the same thread.
        is_used_up: whether the object has used up its CPU time.
    """
    for number, line in enumerate(lines):
        if number % CHECK_LINES == 0 and (skipped.total() > max(MAX_BAD_LINES, number / 2) or is_used_up()):
            skipped[Reason.COSTLY] += 1
            return
        yield line

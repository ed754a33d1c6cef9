"""What is unusual about a server's metrics, found without any model.

The score is the robust z-score of a value among those just before it: its distance from their median, in units of
their median absolute deviation scaled to a standard deviation (Iglewicz and Hoaglin, 1993, who call 3.5 an outlier).
One spike neither hides the next nor makes the calm after it look odd, as it would with mean and standard deviation.
"""

from collections import deque
from collections.abc import Mapping
from statistics import median

WINDOW = 60
"""Values that the next one is compared with: an hour, at one a minute."""
LEAST = 20
"""Of them, before anything is said."""
NORMAL_MAD = 1.4826
"""Of a standard deviation to a median absolute deviation, where values are normally distributed."""
FLOOR = 0.02
"""Least deviation, as a share of the largest value seen: a flat line's first ripple is no anomaly."""
LARGEST = 1000.0
"""Of a score; beyond it, all are alike."""


class Unusual:
    """Scores the values of several signals, each by its own past."""

    def __init__(self) -> None:
        self._past: dict[str, deque[float]] = {}

    def scores(self, values: Mapping[str, float]) -> dict[str, float]:
        """How unusual each value is, then remembered; signals too young to say are left out.

        Args:
            values: by the signal's name.

        Returns:
            Scores, 0 for the usual; the sign is the direction.
        """
        found: dict[str, float] = {}
        for name, value in values.items():
            past = self._past.setdefault(name, deque(maxlen=WINDOW))
            if len(past) >= LEAST:
                found[name] = round(_score(value, past), 2)
            past.append(value)
        return found


def _score(value: float, past: deque[float]) -> float:
    middle = median(past)
    spread = NORMAL_MAD * median(abs(one - middle) for one in past)
    spread = max(spread, FLOOR * max(abs(one) for one in (*past, value)))
    return max(-LARGEST, min((value - middle) / spread if spread else 0.0, LARGEST))

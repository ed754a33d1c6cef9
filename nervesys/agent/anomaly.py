"""Anomaly scores of a server's metrics, without a language model.

The score is the robust z-score of a value among those just before it: its distance from their median, in units of
their median absolute deviation scaled to a standard deviation (Iglewicz and Hoaglin, 1993, who call 3.5 an outlier).
Unlike with mean and standard deviation, a spike neither hides the next one nor makes the calm after it an anomaly.
"""

from collections import deque
from collections.abc import Mapping
from statistics import median

WINDOW = 60
"""Values that the next one is compared with: an hour, at one a minute."""
MIN_VALUES = 20
"""Fewest values before scores are computed."""
NORMAL_MAD = 1.4826
"""Of a standard deviation to a median absolute deviation, where values are normally distributed."""
MIN_DEVIATION_SHARE = 0.02
"""Least deviation, as a share of the largest value seen: the first ripple of a flat line is no anomaly."""
MAX_SCORE = 1000.0
"""Scores are clipped to it."""


class AnomalyScorer:
    """Scores the values of several signals, each by its own previous values."""

    def __init__(self) -> None:
        self._histories: dict[str, deque[float]] = {}

    def scores(self, values: Mapping[str, float]) -> dict[str, float]:
        """Score each value, then add it to the signal's window; signals with too few values are left out.

        Args:
            values: by the signal's name.

        Returns:
            Scores by the signal's name, 0 for the median; the sign is the direction.
        """
        scores_by_name: dict[str, float] = {}
        for name, value in values.items():
            history = self._histories.setdefault(name, deque(maxlen=WINDOW))
            if len(history) >= MIN_VALUES:
                scores_by_name[name] = round(_score(value, history), 2)
            history.append(value)
        return scores_by_name


def _score(value: float, history: deque[float]) -> float:
    middle = median(history)
    spread = NORMAL_MAD * median(abs(item - middle) for item in history)
    spread = max(spread, MIN_DEVIATION_SHARE * max(abs(item) for item in (*history, value)))
    return max(-MAX_SCORE, min((value - middle) / spread if spread else 0.0, MAX_SCORE))

"""Metrics: tables of families, samples, snapshots of rendered text, and the HTTP pages that serve them."""

from nervesys.metrics.condition_terms import ConditionTerm, SourceArea
from nervesys.metrics.family import PREFIX, Family, Period, Sample
from nervesys.metrics.fragments import Fragments
from nervesys.metrics.instruments import Instruments
from nervesys.metrics.snapshot import EMPTY, MetricsSnapshot

__all__ = [
    "EMPTY",
    "PREFIX",
    "ConditionTerm",
    "Family",
    "Fragments",
    "Instruments",
    "MetricsSnapshot",
    "Period",
    "Sample",
    "SourceArea",
]

"""The newest trace in each bucket of a histogram, so that a slow call leads to its trace."""

import re
from bisect import bisect_left
from threading import Lock

from exporters.shared.counting import Series
from nervesys.contract.otlp import Span
from nervesys.contract.otlp_names import OPERATION_BUCKETS
from nervesys.metrics import Sample
from nervesys.metrics.family import number

TRACE_ID = re.compile(r"[0-9a-f]{32}")
BOUNDS = (*map(number, OPERATION_BUCKETS), "+Inf")


class Exemplars:
    """Exemplars of all series; several threads may observe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._newest: dict[Series, dict[str, str]] = {}

    def observe(self, span: Span, series: Series | None) -> None:
        """A span was counted in a series of durations."""
        trace_id = span.trace_id.lower()
        if series is None or not TRACE_ID.fullmatch(trace_id):
            return
        bound = BOUNDS[bisect_left(OPERATION_BUCKETS, span.seconds)]
        text = f'{{trace_id="{trace_id}"}} {number(span.seconds)} {span.begin + span.seconds:.3f}'
        with self._lock:
            self._newest.setdefault(series, {})[bound] = text

    def attach(self, sample: Sample) -> Sample:
        """The sample with its exemplar, if it is a bucket that has one."""
        exemplar = self._newest.get((sample.family.name, *sample.labels), {}).get(sample.le) if sample.le else None
        return sample._replace(exemplar=exemplar) if exemplar else sample

    def keep_only(self, agents: set[str]) -> None:
        """Forget the exemplars of all other agents."""
        with self._lock:
            self._newest = {series: newest for series, newest in self._newest.items() if series[1] in agents}

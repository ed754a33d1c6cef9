"""A day's sums as text with timestamps: OpenMetrics, or Prometheus' text format for import endpoints. Pure.

Each day looks like a program that ran from midnight to midnight: its counters start at 0. `increase` and `rate` treat
the drop to 0 as a counter reset, so days can be converted in any order, days may be missing, and none needs the totals
of another.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import accumulate

from exporters.history.days import STEP_SECONDS, STEPS, Steps
from exporters.shared import records, spans
from exporters.shared.counting import Series, series_samples, zero_sums
from nervesys.contract.times import parse_time
from nervesys.metrics import Sample
from nervesys.metrics.family import HISTORY, escape, number

END = b"# EOF\n"

_number = lru_cache(1 << 12)(number)  # mostly those of the step before, or small

BY_NAME = {family.name: family for family in (*records.FAMILIES, *spans.FAMILIES)}


@dataclass(frozen=True)
class SeriesOrigin:
    """The labels, day and timestamp format of a file's samples.

    Attributes:
        instance: their label of that name; with `HISTORY` as job it keeps them apart from all others.
        day: on which the samples lie, UTC.
        until: Unix seconds; samples from then on are left out.
        ticks: of a second, in timestamps: 1 for OpenMetrics, 1000 for Prometheus' own format.
        every: one sample in so many steps; a divisor of the steps of a day.
    """

    instance: str
    day: date
    until: float
    ticks: int = 1
    every: int = 1

    def series_name(self, sample: Sample) -> str:
        """A sample's series with the labels that a scrape would give it."""
        series, labels = sample.series(), f'instance="{escape(self.instance)}",job="{HISTORY}"'
        return f"{series[:-1]},{labels}}}" if series.endswith("}") else f"{series}{{{labels}}}"

    def instants(self) -> list[int]:
        """Of the samples: the start of the day, and the last second of each step, or of each so-many-th."""
        start = int(parse_time(self.day.isoformat()))
        steps = range(self.every, STEPS + 1, self.every)
        ends = [start, *(start + step * STEP_SECONDS - 1 for step in steps)]
        return [end * self.ticks for end in ends if end < self.until]


def sums_text(sums: Mapping[Series, Steps], origin: SeriesOrigin) -> bytes:
    """The samples of a day's sums, grouped by series, oldest first."""
    instants = origin.instants()
    return "".join(text for series in sorted(sums) for text in _series(series, sums[series], origin, instants)).encode()


def _series(series: Series, steps: Steps, origin: SeriesOrigin, instants: list[int]) -> Iterator[str]:
    every = origin.every
    if min(steps) + 1 > every * (len(instants) - 1):
        return  # all of it lies beyond the end
    family = BY_NAME[series[0]]
    zero = zero_sums(family)
    rows = list(
        accumulate(
            (steps.get(step, zero) for step in range(every * (len(instants) - 1))),
            lambda total, more: [old + new for old, new in zip(total, more, strict=True)],
            initial=zero,
        )
    )
    rows = rows[::every]
    totals = [_cumulated(row) for row in rows] if family.buckets else rows
    names = [origin.series_name(sample) for sample in series_samples(family, series, zero)]
    for name, values in zip(names, zip(*totals, strict=True), strict=True):
        yield "".join([f"{name} {number(value)} {instant}\n" for value, instant in zip(values, instants, strict=True)])


def _cumulated(row: Sequence[float]) -> list[float]:
    """The sums of a histogram in the order of its samples: buckets, sum, count."""
    buckets = list(accumulate(row[:-1]))
    return [*buckets, row[-1], buckets[-1]]


def gauges_text(samples: Iterable[Sample], origin: SeriesOrigin) -> bytes:
    """Samples that hold all day long."""
    instants = origin.instants()
    return "".join(
        f"{origin.series_name(sample)} {number(sample.value)} {instant}\n" for sample in samples for instant in instants
    ).encode()

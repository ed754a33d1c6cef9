"""Sums a day's log lines in steps of 20 minutes. Pure."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

from exporters.shared.counting import Series, zero_sums
from exporters.shared.lines import ParsedLine, parse_lines
from exporters.shared.records import BY_NAME, DURATION, MAX_MODELS, RECORDS, TOKENS
from nervesys.contract import Category, Level
from nervesys.contract.times import DAY_SECONDS
from nervesys.errors import Reason
from nervesys.metrics.family import shorten

STEP_SECONDS = 1200
"""Between two samples: the longest of which a window over four shipments, as pages have it, still finds two."""
STEPS = DAY_SECONDS // STEP_SECONDS
ACCUMULATE_LINES = 100_000
"""After so many lines, durations are moved into histograms, so that memory does not grow with the file."""

Steps = Mapping[int, Sequence[float]]
"""What is added to a series in each step of the day in which anything is."""
Cell = tuple[defaultdict[tuple[Category, Level], int], list[float], defaultdict[str | None, float]]
"""Of one agent in one step: records by category and level, durations in milliseconds, tokens by model."""

_STEP = timedelta(seconds=STEP_SECONDS)
_BOUNDS = [1000 * bound for bound in DURATION.buckets]


@dataclass
class DaySums:
    """The sums of one file's lines.

    Attributes:
        sums: by series and step.
        lines: all of them.
        records: those that count.
        skipped: the others, but for empty ones, by reason.
    """

    sums: dict[Series, dict[int, list[float]]] = field(default_factory=dict)
    lines: int = 0
    records: int = 0
    skipped: Counter[Reason] = field(default_factory=Counter)


def sum_up(batches: Iterable[Sequence[bytes]], day: date, skip: int = 0) -> DaySums:
    """Add up a file of the archive.

    A record of before the day counts in its first step, one of after it in its last: a file's day is that of shipping.

    Args:
        batches: the lines, some at a time.
        day: of the file, UTC.
        skip: lines to leave out, for they were added up before.
    """
    total, accumulated = DaySums(), 0
    counts_by_step, accumulate = _StepCounts(day), _Accumulator(total)
    for batch in batches:
        new = batch[max(0, skip - total.lines) :]
        total.lines += len(batch)
        counts_by_step.add(parse_lines(new, total.skipped))
        if total.lines - accumulated > ACCUMULATE_LINES:
            accumulate(counts_by_step)
            accumulated = total.lines
    accumulate(counts_by_step)
    return total


class _StepCounts:
    """Counts of a day by step and agent, before they are assigned to series."""

    def __init__(self, day: date) -> None:
        self._midnight = datetime.combine(day, time(), UTC)
        self.steps: defaultdict[int, defaultdict[str, Cell]] = defaultdict(lambda: defaultdict(_cell))

    def add(self, lines: Iterable[tuple[datetime, ParsedLine]]) -> None:
        """Count lines. Mostly one is of the same step as that before it."""
        begin = end = self._midnight
        for at, line in lines:
            if not begin <= at < end:
                step = min(max((at - self._midnight) // _STEP, 0), STEPS - 1)
                begin = self._midnight + step * _STEP
                end = begin + _STEP
                agents = self.steps[step]
            counts, durations, used = agents[line.agent_id]
            counts[line.category, line.level] += 1
            context, metadata = line.context, line.metadata
            if context.duration_ms is not None:
                durations.append(context.duration_ms)
            if metadata.tokens_used is not None:
                used[metadata.model_version] += metadata.tokens_used


def _cell() -> Cell:
    return defaultdict(int), [], defaultdict(float)


class _Accumulator:
    """Adds counts to the sums of the series that they belong to."""

    def __init__(self, total: DaySums) -> None:
        self._total = total
        self._models: defaultdict[str, set[str]] = defaultdict(set)

    def __call__(self, counts_by_step: _StepCounts) -> None:
        for step, agents in counts_by_step.steps.items():
            for agent, (counts, durations, used) in agents.items():
                self._total.records += sum(counts.values())
                for (category, level), count in counts.items():
                    self._sums((RECORDS.name, agent, category, level), step)[0] += count
                if durations:
                    observe(self._sums((DURATION.name, agent), step), durations)
                for model, tokens in used.items():
                    self._sums((TOKENS.name, agent, self._model(agent, model)), step)[0] += tokens
        counts_by_step.steps.clear()

    def _sums(self, series: Series, step: int) -> list[float]:
        steps = self._total.sums.setdefault(series, {})
        if step not in steps:
            steps[step] = zero_sums(BY_NAME[series[0]])
        return steps[step]

    def _model(self, agent: str, label: str | None) -> str:
        model, known = shorten(label or ""), self._models[agent]
        if model not in known and len(known) >= MAX_MODELS:
            return "other"
        known.add(model)
        return model


def observe(sums: list[float], milliseconds: list[float]) -> None:
    """Add durations to the sums of a histogram: how many in each bucket, and the sum of all."""
    milliseconds.sort()
    ends = [*(bisect_right(milliseconds, bound) for bound in _BOUNDS), len(milliseconds)]
    for bucket, (start, end) in enumerate(pairwise([0, *ends])):
        sums[bucket] += end - start
    sums[-1] += sum(milliseconds) / 1000

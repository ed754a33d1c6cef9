"""Sums a day's traces in the same steps as its logs. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time

from exporters.history.days import STEP_SECONDS, STEPS, DaySums
from exporters.shared.counting import OTHER, Series
from exporters.shared.spans import LIMITS, SpanSums
from nervesys.contract import agent_name
from nervesys.contract.otlp import parse_line
from nervesys.contract.otlp_names import AGENT
from nervesys.errors import BadObject


def sum_up_traces(batches: Iterable[Sequence[bytes]], day: date, skip: int = 0) -> DaySums:
    """Add up a file of the archive; a span counts in the step in which it ended.

    Args:
        batches: the lines, some at a time.
        day: of the file, UTC.
        skip: lines to leave out, for they were added up before.
    """
    total, midnight = DaySums(), datetime.combine(day, time(), UTC).timestamp()
    steps: defaultdict[int, SpanSums] = defaultdict(SpanSums)
    for batch in batches:
        new = batch[max(0, skip - total.lines) :]
        total.lines += len(batch)
        for line in filter(None, new):
            try:
                for resource, span in parse_line(line):
                    step = int((span.begin + span.seconds - midnight) // STEP_SECONDS)
                    steps[min(max(step, 0), STEPS - 1)].add(agent_name(str(resource.get(AGENT, OTHER))), span)
                    total.records += 1
            except BadObject as bad:
                total.skipped[bad.reason] += 1
    _collect(steps, total)
    return total


def _collect(steps: dict[int, SpanSums], total: DaySums) -> None:
    """The sums by series, with the same limits of labels as live."""
    known: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for step, span_sums in sorted(steps.items()):
        for series, sums in span_sums.sums.items():
            by_step = total.sums.setdefault(_bounded(series, known), {})
            before = by_step.get(step)
            by_step[step] = sums if before is None else [old + new for old, new in zip(before, sums, strict=True)]


def _bounded(series: Series, known: defaultdict[tuple[str, str], set[str]]) -> Series:
    place, limit = LIMITS[series[0]]
    values = known[series[0], series[1]]
    if series[place] not in values and len(values) >= limit:
        return (*series[:place], OTHER, *series[place + 1 :])
    values.add(series[place])
    return series

"""A day of log lines to what it adds up to, step by step. Pure.

A year is many lines, so those that are as agents write them are counted without making a `LogRecord` of each; every
other line is left to `LogRecord`, which decides what it says and whether it counts: both ways come to the same sums.
"""

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from itertools import pairwise

import orjson

from exporters.shared.records import BY_NAME, DURATION, MAX_MODELS, RECORDS, TOKENS, Series, nothing
from nervesys.contract import LogRecord, agent_name
from nervesys.contract.logs import category_of, level_of
from nervesys.contract.times import format_time, parse_time
from nervesys.errors import BadObject, Reason
from nervesys.metrics.family import LABEL_LIMIT

DAY_SECONDS = 86_400
STEP_SECONDS = 1200
"""Between two samples: the longest of which a window over four shipments, as pages have it, still finds two."""
STEPS = DAY_SECONDS // STEP_SECONDS
SETTLED_LINES = 100_000
"""After so many lines, durations become histograms: memory does not grow with the file."""

Steps = Mapping[int, Sequence[float]]
"""What is added to a series in each step of the day in which anything is."""
Cell = tuple[defaultdict[tuple[object, object], int], list[float], defaultdict[str | None, float]]
"""Of ten minutes of one agent: records by category and level, durations, tokens by model."""

_TEN_MINUTES = 15
"""Characters of a timestamp that tell them, such as `2026-01-31T10:1`."""
_PREFIX = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d", re.ASCII)
_MORE_TOKENS = frozenset(f"{prefix}{way}_tokens" for prefix in ("", "gen_ai.usage.") for way in ("input", "output"))
_NONE: Mapping[str, object] = {}
_MOST = 1e300
_BOUNDS = [1000 * bound for bound in DURATION.buckets]
_category, _level = lru_cache(category_of), lru_cache(level_of)


@dataclass
class DaySums:
    """What the lines of one file add up to.

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
    total, settled = DaySums(), 0
    cells, settle = _Cells(), _Settler(total, day)
    for batch in batches:
        new = batch[max(0, skip - total.lines) :]
        total.lines += len(batch)
        _count_parsed(cells, _count_plain(cells, new), total.skipped)
        if total.lines - settled > SETTLED_LINES:
            settle(cells)
            settled = total.lines
    settle(cells)
    return total


class _Cells(dict[str, Cell]):
    """By the ten minutes, at once followed by the agent; made where one is missing, but for no time since 1970."""

    def __missing__(self, key: str) -> Cell:
        if not _PREFIX.match(key) or _start(key) < 0:
            raise KeyError(key)
        cell: Cell = (defaultdict(int), [], defaultdict(float))
        self[key] = cell
        return cell


def _start(key: str) -> float:
    return parse_time(f"{key[:_TEN_MINUTES]}0:00Z")


def _count_plain(cells: _Cells, lines: Iterable[bytes]) -> list[bytes]:
    """Count lines that are as agents write them; returns the others. A loop without calls: it runs for each line."""
    others = []
    loads, instant, most, nothing_said = orjson.loads, datetime.fromisoformat, _MOST, _NONE
    for line in lines:
        try:
            record = loads(line)
            at, agent = record["timestamp"], record["agent_id"]
            context, metadata = record.get("context", nothing_said), record.get("metadata", nothing_said)
            duration, tokens = context.get("duration_ms", 0), metadata.get("tokens_used", 0)
            instant(at)
            if not (
                at[-1] == "Z"
                and type(agent) is str
                and type(record["message"]) is str
                and type(record["action"]) is str
                and ("file" not in context or type(context["file"]) is str)
                and ("repository" not in context or type(context["repository"]) is str)
                and (type(duration) is int or type(duration) is float)
                and (type(tokens) is int or type(tokens) is float)
                and 0 <= duration < most
                and 0 <= tokens < most
                and (not metadata or type(metadata["model_version"]) is str)
                and (len(metadata) <= 2 or _MORE_TOKENS.isdisjoint(metadata))
            ):
                others.append(line)
                continue
            counts, durations, used = cells[at[:15] + agent]  # _TEN_MINUTES, as a constant
            counts[record["category"], record["level"]] += 1
        except (ValueError, TypeError, LookupError, AttributeError):
            others.append(line)
            continue
        if "duration_ms" in context:
            durations.append(duration)
        if "tokens_used" in metadata:
            used[metadata["model_version"]] += tokens
    return others


def _count_parsed(cells: _Cells, lines: Iterable[bytes], skipped: Counter[Reason]) -> None:
    """Count lines by what `LogRecord` says of them."""
    for line in lines:
        if not line or line.isspace():
            continue
        try:
            record = LogRecord.parse(line)
        except BadObject as bad:
            skipped[bad.reason] += 1
            continue
        counts, durations, used = cells[format_time(record.timestamp)[:_TEN_MINUTES] + record.agent_id]
        counts[record.category, record.level] += 1
        if record.context.duration_ms is not None:
            durations.append(record.context.duration_ms)
        if (tokens := record.metadata.tokens) is not None:
            used[record.metadata.model_version] += tokens


class _Settler:
    """Moves what was counted by the words of the lines to the series that these words mean."""

    def __init__(self, total: DaySums, day: date) -> None:
        self._total = total
        self._start = parse_time(day.isoformat())
        self._names: dict[str, str | None] = {}
        self._models: defaultdict[str, set[str]] = defaultdict(set)

    def __call__(self, cells: _Cells) -> None:
        for key, (counts, durations, used) in cells.items():
            name, records = self._name(key[_TEN_MINUTES:]), sum(counts.values())
            if name is None:
                self._total.skipped[Reason.BAD_NAME] += records
                continue
            self._total.records += records
            step = min(max(int((_start(key) - self._start) // STEP_SECONDS), 0), STEPS - 1)
            for (category, level), count in counts.items():
                self._sums((RECORDS.name, name, _category(category), _level(level)), step)[0] += count
            if durations:
                observe(self._sums((DURATION.name, name), step), durations)
            for model, tokens in used.items():
                self._sums((TOKENS.name, name, self._model(name, model)), step)[0] += tokens
        cells.clear()

    def _sums(self, series: Series, step: int) -> list[float]:
        steps = self._total.sums.setdefault(series, {})
        if step not in steps:
            steps[step] = nothing(BY_NAME[series[0]])
        return steps[step]

    def _name(self, agent: str) -> str | None:
        if agent not in self._names:
            try:
                self._names[agent] = agent_name(agent)
            except BadObject:
                self._names[agent] = None
        return self._names[agent]

    def _model(self, agent: str, said: str | None) -> str:
        model, known = (said or "")[:LABEL_LIMIT], self._models[agent]
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

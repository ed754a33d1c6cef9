"""Metric families and samples, in Prometheus text exposition format 0.0.4.

Samples carry no timestamps, which would break the staleness handling of Prometheus.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from typing import Literal, NamedTuple

from nervesys.metrics.condition_terms import TIMES, ConditionTerm, TermKind, TermUnit, unit_of
from nervesys.quoting import escape_quoted

PREFIX = "nervesys_"
LABEL_LIMIT = 64
"""Longest label value, in characters; longer ones are truncated and end in a hash."""
NAME_LABELS = frozenset({"agent", "server", "entity", "project"})
NAME_LIMIT = 253
"""Longest value of a label that holds a name: that of a host name (RFC 1123), so valid names are never truncated."""
HASH_BYTES = 4
HISTORY = "history"
"""The `job` of what was backfilled, which no scrape has."""

Kind = Literal["gauge", "counter", "histogram"]

TERM_KINDS: dict[Kind, tuple[TermKind, ...]] = {
    "gauge": ("level", "changes", "age", "absence", "quiet"),
    "counter": ("increase",),
    "histogram": ("increase", "mean"),
}
"""By kind of family: the kinds of terms by which conditions can name it."""


class Period(StrEnum):
    """How often a family's data is updated; range selectors over it must span at least four periods."""

    SCRAPE = "scrape"
    HEARTBEAT = "heartbeat"
    SHIP = "ship"
    DAILY = "daily"


class Sample(NamedTuple):
    """One sample: a line of the exposition."""

    family: "Family"
    labels: tuple[str, ...]
    value: float
    suffix: str = ""
    le: str = ""
    exemplar: str = ""
    """In OpenMetrics: `{trace_id="…"} VALUE TIMESTAMP`; shown to whoever asks for that format."""

    def series(self) -> str:
        """Name and labels, which identify the series."""
        family = self.family
        pairs = [
            f'{name}="{escape(value, NAME_LIMIT if name in NAME_LABELS else LABEL_LIMIT)}"'
            for name, value in zip(family.labels, self.labels, strict=True)
        ]
        if self.le:
            pairs.append(f'le="{self.le}"')
        return f"{family.full_name}{self.suffix}{{{','.join(pairs)}}}" if pairs else f"{family.full_name}{self.suffix}"

    def line(self) -> str:
        """The sample as one line of text, with its newline."""
        return f"{self.series()} {number(self.value)}\n"


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """A metric family, declared as a row of a table.

    Args:
        name: without the prefix; ends in the base unit, counters in `_total`, instants in `_timestamp_seconds`.
        kind: gauge, counter or histogram.
        help: one sentence, ending in a full stop.
        labels: label names; each has a bounded number of values.
        period: how often the data is updated.
        buckets: upper bounds of a histogram's buckets, in the family's unit, without +Inf.
        conditions: the words by which alert conditions name its values.
        optional: why a healthy fleet may lack these series, by label matchers with their braces; "" is all of them.

    Raises:
        ValueError: the row violates the naming rules above.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    period: Period = Period.HEARTBEAT
    buckets: tuple[float, ...] = ()
    conditions: tuple[ConditionTerm, ...] = ()
    optional: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise ValueError(f"{self.name}: a name is snake_case")
        if (self.kind == "counter") != self.name.endswith("_total"):
            raise ValueError(f"{self.name}: counters, and only they, end in _total")
        if not self.help.endswith("."):
            raise ValueError(f"{self.name}: the help text ends with a full stop")
        if (self.kind == "histogram") != bool(self.buckets):
            raise ValueError(f"{self.name}: histograms, and only they, have buckets")
        for term in self.conditions:
            if term.kind not in TERM_KINDS[self.kind]:
                raise ValueError(f"{self.name}: {term.word!r} is a term of kind {term.kind}, which a {self.kind} lacks")
            if not set(term.labels) <= set(self.labels):
                raise ValueError(f"{self.name}: {term.word!r} keeps labels that the family lacks: {term.labels}")

    def term_unit(self, term: ConditionTerm) -> TermUnit:
        """What conditions compare a term of this family with."""
        if term.unit or term.kind in TIMES:
            return term.unit or "seconds"
        if term.kind == "changes" or (term.kind == "increase" and self.kind == "histogram"):
            return "count"
        return unit_of(self.name)

    @property
    def full_name(self) -> str:
        """The name as it is exposed."""
        return PREFIX + self.name

    def header(self) -> str:
        """The HELP and TYPE lines."""
        text = self.help.replace("\\", r"\\").replace("\n", r"\n")
        return f"# HELP {self.full_name} {text}\n# TYPE {self.full_name} {self.kind}\n"

    def sample(self, value: float, *labels: str) -> Sample:
        """One sample; raises `ValueError` for a wrong number of labels."""
        if len(labels) != len(self.labels):
            raise ValueError(f"{self.name} takes the labels {self.labels}, not {labels}")
        return Sample(self, labels, value)

    def histogram(self, counts: Sequence[float], total: float, *labels: str) -> Iterator[Sample]:
        """The samples of one histogram.

        Args:
            counts: observations in each bucket, not cumulative; the last one is for +Inf.
            total: the sum of all observations, in the family's unit.
            labels: label values.
        """
        running = 0.0
        for bound, count in zip([*map(number, self.buckets), "+Inf"], counts, strict=True):
            running += count
            yield Sample(self, labels, running, "_bucket", bound)
        yield Sample(self, labels, total, "_sum")
        yield Sample(self, labels, running, "_count")


@lru_cache(maxsize=1 << 16)  # the same agents and servers, family after family
def escape(value: str, limit: int = LABEL_LIMIT) -> str:
    """Escape a label value; truncates it to `limit` characters and replaces invalid UTF-8."""
    return escape_quoted(shorten(value, limit).encode("utf-8", "replace").decode())


def shorten(value: str, limit: int = LABEL_LIMIT) -> str:
    """Truncate a label value to `limit` characters; it then ends in a hash, so that different values stay different."""
    if len(value) <= limit:
        return value
    digest = blake2b(value.encode("utf-8", "surrogatepass"), digest_size=HASH_BYTES).hexdigest()
    return f"{value[: limit - len(digest) - 1]}~{digest}"


def number(value: float) -> str:
    """Format a value: integers without a decimal point, others in the shortest exact form."""
    whole = int(value) if -1e15 < value < 1e15 else None
    if whole is not None and whole == value:
        return str(whole)
    text = repr(float(value))
    return {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}.get(text, text)

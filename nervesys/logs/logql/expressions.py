"""The parts of a parsed query."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LabelMatcher:
    """A matcher of a stream selector, such as `agent=~"grok|kim"`.

    Attributes:
        label: name.
        op: `=`, `!=`, `=~` or `!~`.
        value: text, or regular expression.
    """

    label: str
    op: str
    value: str


@dataclass(frozen=True)
class LineFilter:
    """Such as `|= "timeout" or "refused"`.

    Attributes:
        op: `|=`, `!=`, `|~` or `!~`.
        values: alternatives.
    """

    op: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class JsonStage:
    """`| json`: every field of the record becomes a label."""


@dataclass(frozen=True)
class LabelFilter:
    """Such as `duration_ms > 100`.

    Attributes:
        label: name.
        op: `=`, `!=`, `=~`, `!~`, `==`, `>`, `>=`, `<` or `<=`.
        value: text, or the number that it is compared with; durations in seconds.
    """

    label: str
    op: str
    value: str | float


@dataclass(frozen=True)
class FilterGroup:
    """Label filters, joined.

    Attributes:
        op: `and` or `or`.
        parts: at least two.
    """

    op: str
    parts: tuple["LabelFilter | FilterGroup", ...]


@dataclass(frozen=True)
class LineFormat:
    """`| line_format "{{.level}} {{.message}}"`.

    Attributes:
        parts: text, then the name of a label, then text, and so on.
    """

    parts: tuple[str, ...]


@dataclass(frozen=True)
class LabelsStage:
    """`| keep a, b` or `| drop a, b`."""

    keep: bool
    labels: tuple[str, ...]


Stage = LineFilter | JsonStage | LabelFilter | FilterGroup | LineFormat | LabelsStage


@dataclass(frozen=True)
class LogSelector:
    """A log query."""

    matchers: tuple[LabelMatcher, ...]
    stages: tuple[Stage, ...]


@dataclass(frozen=True)
class RangeAggregation:
    """Such as `count_over_time({agent="grok"}[5m] offset 1h)`.

    Attributes:
        function: see `RANGE_FUNCTIONS`.
        logs: what is counted.
        seconds: the range.
        offset: seconds by which it lies earlier.
    """

    function: str
    logs: LogSelector
    seconds: float
    offset: float


@dataclass(frozen=True)
class Grouping:
    """`by (…)` or `without (…)`."""

    without: bool
    labels: frozenset[str]


@dataclass(frozen=True)
class VectorAggregation:
    """Such as `topk(5, sum by (agent) (…))`.

    Attributes:
        function: see `VECTOR_FUNCTIONS`.
        inner: what is aggregated.
        grouping: None for all series together.
        count: of `topk` and `bottomk`.
    """

    function: str
    inner: "MetricExpression"
    grouping: Grouping | None
    count: int


@dataclass(frozen=True)
class BinaryOperation:
    """`+`, `-`, `*` or `/` of two metrics or numbers."""

    op: str
    left: "MetricExpression"
    right: "MetricExpression"


@dataclass(frozen=True)
class Constant:
    """A number, or `vector(number)`.

    Attributes:
        scalar: whether it is a plain number, which goes with every series.
    """

    value: float
    scalar: bool


MetricExpression = RangeAggregation | VectorAggregation | BinaryOperation | Constant
RANGE_FUNCTIONS = ("count_over_time", "rate", "bytes_over_time", "bytes_rate")
VECTOR_FUNCTIONS = ("sum", "count", "min", "max", "avg", "topk", "bottomk")


def selectors_of(expression: MetricExpression) -> list[LogSelector]:
    """All log queries in a metric query."""
    match expression:
        case RangeAggregation(logs=logs):
            return [logs]
        case VectorAggregation(inner=inner):
            return selectors_of(inner)
        case BinaryOperation(left=left, right=right):
            return [*selectors_of(left), *selectors_of(right)]
        case _:
            return []

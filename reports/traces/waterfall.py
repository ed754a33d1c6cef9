"""Arranges the spans of a trace: parents before their children, each with its place in the time of the whole. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nervesys.contract.otlp import Scalar, Span, values_of
from nervesys.logs.visible import visible
from reports.traces.find import TraceSpan

DEEPEST = 12
"""Levels that are indented."""
SUMMARY = ("gen_ai.request.model", "gen_ai.tool.name", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens")
"""Attributes beside the name of a span."""
VALUE_CHARACTERS = 2000
LEAST_WIDTH = 0.2
"""Percent of the width, so that the shortest span is seen."""


@dataclass(frozen=True)
class WaterfallRow:
    """A span as it is drawn.

    Attributes:
        name: of the span.
        agent: that sent it.
        depth: levels below the first, at most `DEEPEST`.
        left: begin, in percent of the whole trace.
        width: duration, likewise.
        seconds: duration.
        failed: whether it ended with an error.
        summary: model, tool and tokens.
        details: all attributes, and what went wrong, as texts.
    """

    name: str
    agent: str
    depth: int
    left: float
    width: float
    seconds: float
    failed: bool
    summary: str
    details: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Waterfall:
    """A trace as it is drawn.

    Attributes:
        begin: Unix seconds.
        seconds: from its first begin to its last end.
        rows: its spans.
    """

    begin: float
    seconds: float
    rows: Sequence[WaterfallRow]

    @property
    def failed(self) -> int:
        """How many spans ended with an error."""
        return sum(row.failed for row in self.rows)

    @property
    def agents(self) -> Sequence[str]:
        """Whose spans there are."""
        return sorted({row.agent for row in self.rows if row.agent})


def arrange(spans: Sequence[TraceSpan]) -> Waterfall:
    """Arrange spans; one whose parent is missing stands at the top.

    Args:
        spans: at least one.
    """
    begin = min(item.span.begin for item in spans)
    seconds = max(item.span.begin + item.span.seconds for item in spans) - begin
    known = {item.span.span_id for item in spans}
    children: defaultdict[str, list[TraceSpan]] = defaultdict(list)
    for item in sorted(spans, key=lambda item: item.span.begin, reverse=True):
        parent = item.span.parent_span_id
        children[parent if parent in known and parent != item.span.span_id else ""].append(item)
    rows: list[WaterfallRow] = []
    waiting, drawn = [(item, 0) for item in children[""]], set[str]()
    while waiting or len(drawn) < len(known):
        if not waiting:  # spans that are each other's parents: nothing leads to them
            waiting = [(next(item for item in spans if item.span.span_id not in drawn), 0)]
        item, depth = waiting.pop()
        if item.span.span_id in drawn:
            continue
        drawn.add(item.span.span_id)
        rows.append(_row(item, depth, begin, seconds))
        waiting += [(child, depth + 1) for child in children[item.span.span_id]]
    return Waterfall(begin, seconds, rows)


def _row(item: TraceSpan, depth: int, begin: float, seconds: float) -> WaterfallRow:
    span, values = item.span, values_of(item.span.attributes)
    share = 100 / seconds if seconds else 0
    return WaterfallRow(
        name=visible(span.name) or "(unnamed)",
        agent=visible(item.agent),
        depth=min(depth, DEEPEST),
        left=round(min((span.begin - begin) * share, 100 - LEAST_WIDTH), 2),
        width=round(max(span.seconds * share, LEAST_WIDTH), 2),
        seconds=span.seconds,
        failed=span.failed,
        summary=_summary(values),
        details=_details(span, values),
    )


def _summary(values: Mapping[str, Scalar]) -> str:
    tokens = [str(values.get(name, "")) for name in SUMMARY[2:]]
    parts = [str(values[name]) for name in SUMMARY[:2] if values.get(name)]
    return visible(", ".join([*parts, *([f"{tokens[0] or 0} → {tokens[1] or 0} tokens"] if any(tokens) else [])]))


def _details(span: Span, values: Mapping[str, Scalar]) -> list[tuple[str, str]]:
    details = [(visible(name), visible(str(value))[:VALUE_CHARACTERS]) for name, value in sorted(values.items())]
    if span.status and span.status.message:
        details.insert(0, ("status", visible(span.status.message)[:VALUE_CHARACTERS]))
    for event in span.events:
        texts = [f"{name}: {value}" for name, value in values_of(event.attributes).items()]
        details.append((f"event {visible(event.name)}", visible("; ".join(texts))[:VALUE_CHARACTERS]))
    return details

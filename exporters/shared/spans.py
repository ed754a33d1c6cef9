"""Metric families of model and tool calls, and the pure functions from lines of OTLP/JSON to sums.

Durations, buckets and names follow OpenTelemetry's semantic conventions for generative AI
(https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/).
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from exporters.shared.bounds import bounded
from exporters.shared.counting import OTHER, Counting, Series, Sums, zero_sums
from nervesys.contract import agent_name
from nervesys.contract.gen_ai import ModelCall, RepeatedCalls, ToolCall, interpret
from nervesys.contract.otlp import Scalar, Span, parse_line
from nervesys.contract.otlp_names import AGENT, OPERATION_BUCKETS
from nervesys.errors import BadObject, Reason
from nervesys.metrics import ConditionTerm, Family, Period, SourceArea
from nervesys.metrics.family import shorten

ORIGIN = SourceArea("traces", "traces")
NO_CALLS = {"": "no agent has sent traces of model calls yet"}
NO_TOOLS = {"": "no agent has sent traces of tool calls yet"}
BY_MODEL, BY_TOOL = ("agent", "model"), ("agent", "tool")

_term = partial(ConditionTerm, origin=ORIGIN)

OPERATION_DURATION = Family(
    "gen_ai_operation_duration_seconds",
    "histogram",
    "Duration of model calls and other operations of generative AI, by operation and requested model.",
    ("agent", "operation", "model"),
    Period.SHIP,
    OPERATION_BUCKETS,
    conditions=(
        _term(word="model latency", kind="mean", labels=BY_MODEL),
        _term(word="model calls", kind="increase", labels=BY_MODEL),
    ),
    optional=NO_CALLS,
)
TOKENS = Family(
    "gen_ai_tokens_total",
    "counter",
    "Tokens of model calls, by type: input without those read from a cache, output without those of reasoning.",
    ("agent", "model", "type"),
    Period.SHIP,
    conditions=(_term(word="model tokens", kind="increase", labels=BY_MODEL),),
)
ERRORS = Family(
    "gen_ai_errors_total",
    "counter",
    "Failed operations of generative AI, by kind of error.",
    ("agent", "operation", "model", "error_type"),
    Period.SHIP,
    conditions=(
        _term(word="model errors", kind="increase", labels=BY_MODEL),
        _term(word="rate limited calls", kind="increase", labels=BY_MODEL, matchers='{error_type="rate_limited"}'),
    ),
    optional=NO_CALLS,
)
TOOL_CALLS = Family(
    "agent_tool_calls_total",
    "counter",
    "Calls of tools by outcome: completed or failed.",
    ("agent", "tool", "outcome"),
    Period.SHIP,
    conditions=(
        _term(word="tool calls", kind="increase", labels=BY_TOOL),
        _term(word="failed tool calls", kind="increase", labels=BY_TOOL, matchers='{outcome="failed"}'),
    ),
    optional=NO_TOOLS,
)
TOOL_DURATION = Family(
    "agent_tool_duration_seconds",
    "histogram",
    "Duration of calls of tools.",
    ("agent", "tool"),
    Period.SHIP,
    OPERATION_BUCKETS,
    conditions=(_term(word="tool duration", kind="mean", labels=BY_TOOL),),
)
FAMILIES = (OPERATION_DURATION, TOKENS, ERRORS, TOOL_CALLS, TOOL_DURATION)

MAX_MODELS = 20
"""Distinct models of one agent; further ones are counted as `other`."""
MAX_TOOLS = 50
"""Distinct tools of one agent, likewise."""
MAX_SERIES = 10_000
"""Series of one object, beyond which its further models and tools are counted as `other`."""
LIMITS = {
    OPERATION_DURATION.name: (3, MAX_MODELS),
    TOKENS.name: (2, MAX_MODELS),
    ERRORS.name: (3, MAX_MODELS),
    TOOL_CALLS.name: (2, MAX_TOOLS),
    TOOL_DURATION.name: (2, MAX_TOOLS),
}


def tally(
    lines: Iterable[bytes],
    agent: str | None,
    is_known: Callable[[str], bool] = lambda _: True,
    is_used_up: Callable[[], bool] = lambda: False,
    on_span: Callable[[str, Span, Series | None], None] = lambda _agent, _span, _series: None,
) -> tuple[Sums, Counter[Reason]]:
    """Add up the calls in an object's spans; see `Tally`.

    Args:
        lines: OTLP/JSON, one request each.
        agent: whose object it is; None to use what each resource names.
        is_known: whether such an agent has series of its own; those of others are counted as `other`.
        is_used_up: whether the object has used up its CPU time; its other lines are then left out.
        on_span: called with each span, its agent, and the series of durations that it was counted in, if any.
    """
    sums, skipped = SpanSums(), Counter[Reason]()
    for line in bounded(lines, skipped, is_used_up):
        if line.isspace():
            continue
        try:
            for resource, span in parse_line(line):
                owner = agent or _owner(resource, is_known)
                on_span(owner, span, sums.add(owner, span))
        except BadObject as bad:
            skipped[bad.reason] += 1
    return sums.sums, skipped


def _owner(resource: Mapping[str, Scalar], is_known: Callable[[str], bool]) -> str:
    try:
        name = agent_name(str(resource.get(AGENT, "")))
    except BadObject:
        return OTHER
    return name if is_known(name) else OTHER


COUNTING = Counting(FAMILIES, tally, LIMITS)


@dataclass
class SpanSums:
    """The sums of an object, span by span.

    Attributes:
        sums: so far.
    """

    sums: dict[Series, list[float]] = field(default_factory=dict)
    _repeated: RepeatedCalls = field(default_factory=RepeatedCalls)

    def add(self, agent: str, span: Span) -> Series | None:
        """Add a span; returns the series of durations that it was counted in, if it is a call."""
        match interpret(span):
            case ModelCall() as call:
                return self._add_model_call(agent, span, call)
            case ToolCall(tool=tool, failed=failed):
                name = self._bounded(shorten(tool))
                self._at(TOOL_CALLS, agent, name, "failed" if failed else "completed")[0] += 1
                return self._observe(span.seconds, TOOL_DURATION, agent, name)
        return None

    def _add_model_call(self, agent: str, span: Span, call: ModelCall) -> Series | None:
        if self._repeated.is_repeated(span, call):
            return None
        model = self._bounded(shorten(call.model))
        for kind, count in call.tokens.items():
            self._at(TOKENS, agent, model, kind)[0] += count
        if call.error:
            self._at(ERRORS, agent, call.operation, model, call.error)[0] += 1
        return self._observe(span.seconds, OPERATION_DURATION, agent, call.operation, model)

    def _observe(self, seconds: float, family: Family, *labels: str) -> Series:
        histogram = self._at(family, *labels)
        histogram[bisect_left(OPERATION_BUCKETS, seconds)] += 1
        histogram[-1] += seconds
        return (family.name, *labels)

    def _at(self, family: Family, *labels: str) -> list[float]:
        series = (family.name, *labels)
        if series not in self.sums:
            self.sums[series] = zero_sums(family)
        return self.sums[series]

    def _bounded(self, value: str) -> str:
        return value if len(self.sums) < MAX_SERIES else OTHER

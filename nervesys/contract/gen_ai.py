"""Reads what a span means: a call of a model, or of a tool. Pure.

Names are those of OpenTelemetry's semantic conventions for generative AI (gen_ai.*), then those that OpenLLMetry
(llm.*, traceloop.*) and OpenInference (llm.*, openinference.*) used before them.
"""

import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nervesys.contract.logs import MAX_TOKENS, UNNAMED_MODEL
from nervesys.contract.otlp import Scalar, Span, values_of

OTHER = "other"
TOOL = "execute_tool"
INFERENCE = frozenset({"chat", "text_completion", "generate_content", "embeddings"})
"""Operations that call a model themselves. Agents and workflows repeat the tokens of the calls within them."""
OPERATIONS = INFERENCE | {"create_agent", "invoke_agent", "invoke_workflow", "retrieval"}
SYNONYMS = {
    "completion": "text_completion",
    "embedding": "embeddings",
    "llm": "chat",
    "agent": "invoke_agent",
    "tool": TOOL,
    "workflow": "invoke_workflow",
    "retriever": "retrieval",
    "response": "chat",
    "responses": "chat",
}
OPERATION_NAMES = ("gen_ai.operation.name", "llm.request.type", "openinference.span.kind", "traceloop.span.kind")
MODEL_NAMES = ("gen_ai.request.model", "gen_ai.response.model", "llm.model_name")
TOOL_NAMES = ("gen_ai.tool.name", "tool.name", "traceloop.entity.name")
FINISH_REASONS = ("gen_ai.response.finish_reasons", "gen_ai.completion.0.finish_reason", "llm.response.finish_reason")
USAGE = {
    "input": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt"),
    "output": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion"),
    "cache_read": (
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "llm.token_count.prompt_details.cache_read",
    ),
    "reasoning": (
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.reasoning_tokens",
        "llm.usage.reasoning_tokens",
        "llm.token_count.completion_details.reasoning",
    ),
}
PARTS = (("cache_read", "input"), ("reasoning", "output"))
"""Tokens of the first are reported within those of the second too."""
CONTENT_FILTER = "content_filter"
FILTERED = re.compile(r"content.?filter|content.?management|content.?policy", re.IGNORECASE)
"""Providers report it as a bad request, so that it is looked for first."""
ERRORS = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("rate_limited", r"\b429\b|rate.?limit|too.?many.?requests|quota|resource.?exhausted|throttl"),
        ("timeout", r"\b(?:408|504)\b|time.?out|timed out|deadline"),
        ("authentication", r"\b40[13]\b|authenticat|unauthori[sz]ed|permission|forbidden|api.?key"),
        ("server_error", r"\b5(?:\d\d|xx)\b|internal.?server|overloaded|unavailable"),
        ("connection", r"connect|network|dns|socket"),
        ("invalid_request", r"\b4\d\d\b|bad.?request|invalid|not.?found|unprocessable|validation"),
        ("cancelled", r"cancel|abort|interrupt"),
    )
)
"""Kinds of errors, by the first that matches: type of the error first, then its message."""


@dataclass(frozen=True, slots=True)
class ModelCall:
    """A call of a model, or of an agent or workflow.

    Attributes:
        operation: of the semantic conventions, or `other`.
        model: as requested; as answered where the request names none.
        tokens: by type. No token is in two types; those of an agent are left to the calls within it.
        error: its kind; None where it succeeded.
        response_id: of the provider; empty where there is none.
    """

    operation: str
    model: str
    tokens: Mapping[str, float]
    error: str | None
    response_id: str = ""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool."""

    tool: str
    failed: bool


class RepeatedCalls:
    """Recognises calls that two instrumentations report, as a framework and the client below it both do.

    The inner span ends and arrives first, so that its parent is the repetition; of spans side by side, the id of the
    response shows it. A span that a program sends again, because no response reached it, is a repetition too.

    Args:
        limit: newest spans and responses that are remembered.
    """

    def __init__(self, limit: int = 1_000_000) -> None:
        self._limit = limit
        self._reported: OrderedDict[str, None] = OrderedDict()
        self._libraries: OrderedDict[str, str] = OrderedDict()

    def is_repeated(self, span: Span, call: ModelCall) -> bool:
        """Whether the call of a model was reported by an earlier span already; remembers it."""
        if call.operation not in INFERENCE and not call.tokens:
            return False
        repeated = span.span_id in self._reported
        for span_id in filter(None, (span.span_id, span.parent_span_id)):  # of a repetition too: there may be 3 levels
            self._reported[span_id] = None
        library = self._libraries.setdefault(call.response_id, span.library) if call.response_id else span.library
        while len(self._reported) > 2 * self._limit:
            self._reported.popitem(last=False)
        while len(self._libraries) > self._limit:
            self._libraries.popitem(last=False)
        return repeated or library != span.library


def interpret(span: Span) -> ModelCall | ToolCall | None:
    """What a span means; None for a span that is neither a call of a model nor of a tool."""
    values = values_of(span.attributes)
    operation = _operation(values)
    if operation == TOOL:
        return ToolCall(_first(values, TOOL_NAMES) or span.name.removeprefix(f"{TOOL} "), _failed(span, values))
    if operation is None:
        return None
    tokens = _tokens(values) if operation in INFERENCE or operation == OTHER else {}
    model, response_id = _first(values, MODEL_NAMES) or UNNAMED_MODEL, _first(values, ("gen_ai.response.id",))
    return ModelCall(operation, model, tokens, _error(span, values), response_id)


def is_call(values: Mapping[str, Scalar]) -> bool:
    """Whether a span with these attributes is a call of a model, a tool or an agent."""
    return _operation(values) is not None


def is_single_call(values: Mapping[str, Scalar]) -> bool:
    """Whether a span with these attributes is one call of a model or a tool, rather than work with several calls."""
    operation = _operation(values)
    return operation in INFERENCE | {TOOL, OTHER}


def _operation(values: Mapping[str, Scalar]) -> str | None:
    """The operation; None where neither a known name nor a model says that this is a call."""
    for name in OPERATION_NAMES:
        if isinstance(raw := values.get(name), str):
            operation = SYNONYMS.get(raw.lower(), raw.lower())
            if operation == TOOL or operation in OPERATIONS:
                return operation
    return OTHER if any(name in values for name in MODEL_NAMES) else None


def _tokens(values: Mapping[str, Scalar]) -> dict[str, float]:
    tokens = {kind: count for kind, names in USAGE.items() if (count := _count(values, names)) is not None}
    for part, whole in PARTS:
        if part in tokens and whole in tokens:
            tokens[whole] = max(0.0, tokens[whole] - tokens[part])
    return tokens


def _count(values: Mapping[str, Scalar], names: tuple[str, ...]) -> float | None:
    for name in names:
        value = values.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MAX_TOKENS:
            return float(value)
    return None


def _first(values: Mapping[str, Scalar], names: tuple[str, ...]) -> str:
    return next((value for name in names if isinstance(value := values.get(name), str) and value), "")


def _failed(span: Span, values: Mapping[str, Scalar]) -> bool:
    return span.failed or bool(values.get("error.type"))


def _error(span: Span, values: Mapping[str, Scalar]) -> str | None:
    """The kind of the error; a content filter also ends calls that are no errors otherwise."""
    if not _failed(span, values):
        return CONTENT_FILTER if CONTENT_FILTER in _texts(values, FINISH_REASONS) else None
    texts = " ".join(_texts(values, ("error.type", "http.response.status_code", "http.status_code")))
    exceptions = [values_of(event.attributes) for event in span.events if event.name == "exception"]
    kinds = " ".join((texts, *(text for event in exceptions for text in _texts(event, ("exception.type",)))))
    messages = " ".join(text for event in exceptions for text in _texts(event, ("exception.message",)))
    detail = f"{span.status.message if span.status else ''} {messages}"
    if FILTERED.search(f"{kinds} {detail}"):
        return CONTENT_FILTER
    found = (name for text in (kinds, detail) for name, pattern in ERRORS if pattern.search(text))
    return next(found, OTHER)


def _texts(values: Mapping[str, Scalar], names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        value = values.get(name)
        if isinstance(value, list):
            yield from value
        elif value is not None:
            yield str(value)

"""Reads accepted spans: each call of a model with tokens becomes a log record, from which tokens and cost are counted.

The record has the tokens by kind, and the ids of its span. Counting is then the same for all agents, whatever reports
their calls, and a day's cost can be recomputed from its logs.
"""

import logging
from typing import Any

from nervesys.agent.logs.handler import LoggedRecord
from nervesys.agent.logs.json_encoding import json_object
from nervesys.agent.telemetry.content import ARGUMENTS
from nervesys.agent.telemetry.span_sinks import SpanSinks
from nervesys.agent.telemetry.span_tasks import SpanTasks
from nervesys.clock import Clock
from nervesys.contract.gen_ai import TOOL, ModelCall, RepeatedCalls, ToolCall, interpret
from nervesys.contract.otlp import Span, parse_line, values_of
from nervesys.contract.otlp_names import ARGUMENTS_HASH
from nervesys.contract.times import DAY_SECONDS
from nervesys.errors import BadObject

MARKS = (b'"gen_ai.', b'"llm.', b'"traceloop.', b'"openinference.', b'"nervesys.task')
"""Beginnings of names of attributes; lines without them are of other instrumentations, and are not parsed."""
REMEMBERED_CALLS = 10_000
"""Newest calls among which repetitions are recognised."""


class SpanObserver:
    """Reads the spans of an agent.

    Args:
        logger: name of the agent's logger.
        sinks: take what they show.
        tasks: that traces stand for.
        clock: of the host.
    """

    def __init__(self, logger: str, sinks: SpanSinks, tasks: SpanTasks, clock: Clock) -> None:
        self._logger, self._sinks, self._tasks, self._clock = logger, sinks, tasks, clock
        self._repeated = RepeatedCalls(REMEMBERED_CALLS)

    def observe(self, line: bytes) -> None:
        """Read the spans of a line."""
        if not self._tasks.follows_any and not any(mark in line for mark in MARKS):
            return
        try:
            for _, span in parse_line(line):
                self._observe(span)
        except BadObject:  # counted where the object is read
            return

    def _observe(self, span: Span) -> None:
        call, step, tokens, arguments = interpret(span), "", 0.0, ""
        before = self._sinks.work.action
        self._tasks.observe(span)
        match call:
            case ToolCall(tool=tool):
                step = f"{TOOL} {tool}"
                values = values_of(span.attributes)  # the arguments themselves where the settings keep contents
                arguments = next((str(values[name]) for name in (ARGUMENTS_HASH, *ARGUMENTS) if name in values), "")
            case ModelCall(operation=operation, model=model):
                step = f"{operation} {model}"
                # A call without tokens repeats none: where only the outer span has them, they count.
                if call.tokens and not self._repeated.is_repeated(span, call):
                    tokens = sum(call.tokens.values())
                    self._log(span, call, self._sinks.work.action or before or operation)
        if call is not None:
            self._sinks.work.report_call(step, tokens, arguments)

    def _log(self, span: Span, call: ModelCall, action: str) -> None:
        """Log a call whose tokens count, under the action of the task that it was made for."""
        now, ended = self._clock(), span.begin + span.seconds
        ended = ended if now - DAY_SECONDS < ended <= now else now  # others are errors of a clock
        if not self._sinks.work.usage.counts_call(min(span.begin, ended), ended):
            return
        metadata: dict[str, Any] = {
            "model_version": call.model,
            "input_tokens": round(call.tokens.get("input", 0) + call.tokens.get("cache_read", 0)),
            "output_tokens": round(call.tokens.get("output", 0) + call.tokens.get("reasoning", 0)),
            "cached_tokens": round(call.tokens.get("cache_read", 0)),
        }
        self._sinks.append(
            LoggedRecord(
                ended,
                logging.INFO,
                self._logger,
                f"{call.operation} {call.model}",
                action=action,
                context=json_object({"trace_id": span.trace_id, "span_id": span.span_id}),
                metadata=json_object(metadata),
            )
        )

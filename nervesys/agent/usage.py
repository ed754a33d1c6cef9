"""Decides which report of a call's tokens counts: an agent's log and its spans may report the same call.

Without a setting, spans count while they come, and log records do not: a span knows input, output and cached tokens of
its call. A log record that counted before a span arrived covers the calls that had ended by then, or were about to, so
that no call counts twice at the change.
"""

from collections.abc import Callable, Mapping
from math import inf
from typing import Any

from nervesys.contract.logs import COVERED_TOKENS
from nervesys.contract.times import DAY_SECONDS
from nervesys.settings.agents import UsageSource

OF_RECORD = (
    "tokens_used",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
)
"""Names of a log record's metadata that hold tokens."""
SPANS_SECONDS = DAY_SECONDS
"""Since the newest span with tokens, after which log records count again: its instrumentation has ended."""

RECORD_SECONDS = 1.0
"""Before a span ends, in which a log record may be of its call: programs log the answer within the span."""


class UsageRule:
    """The decision for one agent. Calls from several threads are safe: each changes a single value.

    Args:
        source: returns the agent's setting.
    """

    def __init__(self, source: Callable[[], UsageSource] = lambda: UsageSource.AUTO) -> None:
        self._source = source
        self._newest_call = self._covered_until = -inf

    def of_record(self, at: float, metadata: Mapping[str, Any]) -> Mapping[str, Any]:
        """The metadata of a log record; where spans count, its tokens are kept under a name that adds no cost.

        Args:
            at: Unix seconds at which it was logged.
            metadata: of the record.
        """
        if not any(metadata.get(name) for name in OF_RECORD):
            return metadata
        if at - self._newest_call > SPANS_SECONDS or self._source() is not UsageSource.AUTO:
            self._covered_until = max(self._covered_until, at)
            return metadata
        tokens = metadata.get("tokens_used") or sum(
            number
            for name in OF_RECORD
            if "cache" not in name and isinstance(number := metadata.get(name), int | float)
        )
        return {name: value for name, value in metadata.items() if name not in OF_RECORD} | {COVERED_TOKENS: tokens}

    def counts_call(self, begun: float, ended: float) -> bool:
        """Whether the tokens of a span count.

        Args:
            begun: Unix seconds at which the call began.
            ended: Unix seconds at which it ended; not in the future, for records would wait for that time.
        """
        source = self._source()
        if source is UsageSource.AUTO and max(begun, ended - RECORD_SECONDS) > self._covered_until:
            self._newest_call = max(self._newest_call, ended)
            return True
        return source is UsageSource.BOTH

    def total(self, own: float, of_spans: float) -> float:
        """Tokens since the start, from those that the author reported and those of spans."""
        match self._source():
            case UsageSource.LOGS:
                return own
            case UsageSource.BOTH:
                return own + of_spans
        return max(own, of_spans)

"""Parses log lines into the fields that are counted, with the same result as `LogRecord`, mostly without it. Pure.

msgspec decodes only the counted fields, checks the types of all declared fields, and skips the rest, in a fifth of the
time of the full model. A line that it accepts, `LogRecord` accepts with the same values; every other line is parsed by
`LogRecord`, which decides whether it is valid.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Annotated, TypeAlias, cast

from msgspec import DecodeError, Meta, Struct, field
from msgspec.json import Decoder

from nervesys.contract import Category, Level, LogRecord, agent_name
from nervesys.contract.logs import MAX_DURATION_MS, MAX_TOKENS, TokenUsage
from nervesys.contract.times import utc
from nervesys.contract.validation import BOM
from nervesys.errors import BadObject, Reason

TokenCount = Annotated[float, Meta(ge=0, le=MAX_TOKENS)]
Duration = Annotated[float, Meta(ge=0, le=MAX_DURATION_MS)]
Unread: TypeAlias = None
"""Of a field that is left to `LogRecord` where it says anything."""

_SHORTEST = 8
"""Shorter lines are blank, or no records; an exception for each would be dear."""
_NAMES = 10_000
"""Names that are remembered as valid, at most."""
_FROM, _UNTIL = (datetime(year, 1, 1, tzinfo=UTC) for year in (1970, 9999))
"""Between these, no instant is refused."""
_SHORT, _LONG, _DEPTH = 400, 4000, 200
"""`LogRecord` refuses more levels than these, and numbers of more digits, also where nobody reads them. So short a line
has room for neither; so long a one may have such a number."""


class LineContext(Struct, frozen=True, gc=False):
    """Of a line; see `LogContext`."""

    repository: str | None = None
    file: str | None = None
    duration_ms: Duration | None = None
    to: str | None = None


class LineMetadata(Struct, frozen=True, gc=False):
    """Of a line; see `LogMetadata`. Of a record parsed by the model, only model, `tokens_used` and usage are set."""

    model_version: str | None = None
    tokens_used: TokenCount | None = None
    input_tokens: Unread = None
    output_tokens: Unread = None
    request_model: Unread = field(default=None, name="gen_ai.request.model")
    response_model: Unread = field(default=None, name="gen_ai.response.model")
    usage_input_tokens: Unread = field(default=None, name="gen_ai.usage.input_tokens")
    usage_output_tokens: Unread = field(default=None, name="gen_ai.usage.output_tokens")
    cached_tokens: Unread = None
    usage_cached_tokens: Unread = field(default=None, name="gen_ai.usage.cache_read.input_tokens")
    usage_cached_input_tokens: Unread = field(default=None, name="gen_ai.usage.cache_read_input_tokens")
    tokens_in_spans: TokenCount | None = None
    usage_of_model: Unread = None
    """Usage by kind, set by `LogRecord` only: of a line, no value but null fits."""

    @property
    def usage(self) -> TokenUsage | None:
        """The tokens by their kind; None where the line has none."""
        if self.usage_of_model is not None:
            return cast("TokenUsage", self.usage_of_model)
        return None if self.tokens_used is None else TokenUsage(self.tokens_used)


class ParsedLine(Struct, gc=False):
    """A line; see `LogRecord`."""

    timestamp: str
    agent_id: str
    level: Level = Level.INFO
    category: Category = Category.ACTIVITY
    action: str | None = None
    message: str = ""
    context: LineContext = LineContext()
    metadata: LineMetadata = LineMetadata()


_decode = Decoder(ParsedLine).decode
_decode_object = Decoder(dict[str, object]).decode
_OBJECT_STARTS = {b"{", b"\xef"}
"""First bytes of an object, or of a byte order mark before it."""
_REQUIRED = [
    name for name, field in LogRecord.model_fields.items() if field.is_required() and not field.validation_alias
]


def parse_lines(lines: Iterable[bytes], skipped: Counter[Reason]) -> Iterator[tuple[datetime, ParsedLine]]:
    """Parse lines into records with their instants.

    Args:
        lines: one JSON object each; empty ones are passed over.
        skipped: invalid lines are counted here, by reason.
    """
    names: set[str] = set()
    instant = datetime.fromisoformat
    for line in lines:
        if _SHORTEST <= len(line) <= _SHORT or (len(line) > _SHORT and _within_limits(line)):
            try:
                parsed = _decode(line.decode())  # which looks at the bytes of what is passed over, too
                if parsed.agent_id not in names:
                    parsed.agent_id = agent_name(parsed.agent_id)
                    if len(names) < _NAMES:
                        names.add(parsed.agent_id)
                at = instant(parsed.timestamp)
                valid = _FROM <= at < _UNTIL
            except (DecodeError, BadObject, ValueError, TypeError):
                valid = False
            if valid:
                yield at, parsed
                continue
        yield from _parse_by_model(line, skipped)


def _within_limits(line: bytes) -> bool:
    return len(line) <= _LONG and line.count(b"[") + line.count(b"{") <= _DEPTH


def _cheap_reason(line: bytes) -> Reason | None:
    """Why a line is certainly no record, found in a twentieth of the model's time; None where the model must decide."""
    if line.lstrip()[:1] not in _OBJECT_STARTS:
        return Reason.BAD_JSON
    if not _within_limits(line):
        return None
    try:
        value = _decode_object(line)
    except (DecodeError, ValueError):
        return None
    return Reason.BAD_VALUE if any(value.get(name) is None for name in _REQUIRED) else None


def _parse_by_model(line: bytes, skipped: Counter[Reason]) -> Iterator[tuple[datetime, ParsedLine]]:
    if not line.removeprefix(BOM).strip():
        return
    if reason := _cheap_reason(line):
        skipped[reason] += 1
        return
    try:
        record = LogRecord.parse(line)
    except BadObject as bad:
        skipped[bad.reason] += 1
        return
    to = record.context.to
    context = LineContext(duration_ms=record.context.duration_ms, to=to if isinstance(to, str) else None)
    usage = cast("Unread", record.metadata.usage)
    metadata = LineMetadata(record.metadata.model_version, record.metadata.tokens, usage_of_model=usage)
    parsed = ParsedLine("", record.agent_id, record.level, record.category, context=context, metadata=metadata)
    yield utc(record.timestamp), parsed

"""OTLP/JSON, one request a line: the objects of the area `active_traces`.

The OpenTelemetry Collector's file exporter writes the same (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).
Only what is read is declared; msgspec skips all other fields. Lines of logs and metrics are read as no spans.
"""

import math
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from msgspec import DecodeError, Struct, ValidationError
from msgspec.json import Decoder

from nervesys.errors import BadObject, Reason

ERROR_CODES = (2, "STATUS_CODE_ERROR")
PARENT_FLAGS, PARENT_IS_LOCAL = 0x300, 0x100
"""`SpanFlags` of OTLP: whether it is known if the parent is remote, and whether it is."""
NANOSECONDS = 1_000_000_000
Scalar: TypeAlias = str | int | float | bool | list[str]


class ArrayValue(Struct, gc=False):
    """Several values; only texts are read."""

    values: list["AnyValue"] = []


class AnyValue(Struct, rename="camel", gc=False):
    """A value of one of these types."""

    string_value: str | None = None
    int_value: int | str | None = None
    double_value: float | str | None = None
    bool_value: bool | None = None
    array_value: ArrayValue | None = None

    @property
    def scalar(self) -> Scalar | None:
        """The value in Python; None for an empty value, a mapping, bytes, or a number that is none."""
        if self.string_value is not None:
            return self.string_value
        if self.bool_value is not None:
            return self.bool_value
        if self.array_value is not None:
            return [value.string_value for value in self.array_value.values if value.string_value is not None]
        try:
            if self.int_value is not None:
                return int(self.int_value)
            if self.double_value is not None and math.isfinite(number := float(self.double_value)):
                return number
        except ValueError:
            return None
        return None


class Attribute(Struct, gc=False):
    """A name with its value."""

    key: str = ""
    value: AnyValue | None = None


class SpanEvent(Struct, gc=False):
    """Something that happened within a span, such as an exception."""

    name: str = ""
    attributes: list[Attribute] = []


class SpanStatus(Struct, gc=False):
    """How a span ended."""

    code: int | str = 0
    message: str = ""


class Span(Struct, rename="camel", gc=False):
    """One operation, with its begin and end in nanoseconds since 1970."""

    trace_id: str = ""
    span_id: str = ""
    parent_span_id: str = ""
    name: str = ""
    kind: int | str = 0
    flags: int | str = 0
    start_time_unix_nano: int | str = 0
    end_time_unix_nano: int | str = 0
    attributes: list[Attribute] = []
    events: list[SpanEvent] = []
    status: SpanStatus | None = None
    library: str = ""
    """Name of the instrumentation, which OTLP has a level above."""

    @property
    def begin(self) -> float:
        """Unix seconds."""
        return _nanoseconds(self.start_time_unix_nano) / NANOSECONDS

    @property
    def seconds(self) -> float:
        """Duration; 0 where the end is before the begin."""
        nanoseconds = _nanoseconds(self.end_time_unix_nano) - _nanoseconds(self.start_time_unix_nano)
        return max(0, nanoseconds) / NANOSECONDS

    @property
    def has_local_parent(self) -> bool:
        """Whether its parent is a span of the same program, which ends after it; False where nothing says so."""
        return bool(self.parent_span_id) and self._parent_flags == PARENT_IS_LOCAL

    @property
    def is_local_root(self) -> bool:
        """Whether it has no parent, or one of another program."""
        return not self.parent_span_id or self._parent_flags == PARENT_FLAGS

    @property
    def _parent_flags(self) -> int:
        return self.flags & PARENT_FLAGS if isinstance(self.flags, int) else 0

    @property
    def failed(self) -> bool:
        """Whether it ended with an error."""
        return self.status is not None and self.status.code in ERROR_CODES


class Scope(Struct, gc=False):
    """An instrumentation library."""

    name: str = ""


class ScopeSpans(Struct, rename="camel", gc=False):
    """Spans of one instrumentation library."""

    scope: Scope | None = None
    spans: list[Span] = []


class Resource(Struct, gc=False):
    """Who sent it."""

    attributes: list[Attribute] = []


class ResourceSpans(Struct, rename="camel", gc=False):
    """Spans of one program."""

    resource: Resource | None = None
    scope_spans: list[ScopeSpans] = []


class TracesData(Struct, rename="camel", gc=False):
    """One line."""

    resource_spans: list[ResourceSpans] = []


_decode = Decoder(TracesData).decode


def parse_line(line: bytes) -> Iterator[tuple[Mapping[str, Scalar], Span]]:
    """The spans of a line, each with the attributes of its resource.

    Raises:
        BadObject: `bad_json` or `bad_value`.
    """
    try:
        data = _decode(line)
    except (DecodeError, UnicodeDecodeError, RecursionError) as err:
        reason = Reason.BAD_VALUE if isinstance(err, ValidationError) else Reason.BAD_JSON
        raise BadObject(reason, f"not OTLP/JSON: {err}") from err
    for resource_spans in data.resource_spans:
        resource = values_of(resource_spans.resource.attributes) if resource_spans.resource else {}
        for scope in resource_spans.scope_spans:
            for span in scope.spans:
                span.library = scope.scope.name if scope.scope else ""
                yield resource, span


def values_of(attributes: list[Attribute]) -> dict[str, Scalar]:
    """Attributes by name, without those whose value is not read."""
    return {
        attribute.key: scalar
        for attribute in attributes
        if attribute.value is not None and (scalar := attribute.value.scalar) is not None
    }


def _nanoseconds(instant: int | str) -> int:
    """An instant since 1970; 0 for what is none, or does not fit 64 bits."""
    try:
        nanoseconds = int(instant)
    except ValueError:
        return 0
    return nanoseconds if 0 <= nanoseconds < 1 << 64 else 0

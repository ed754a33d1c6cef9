"""Traces as a collector takes them: OTLP/JSON over HTTP, several lines in one request."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import requests
from msgspec import DecodeError, Raw, ValidationError
from msgspec.json import Decoder

from exporters.shared.push import PushBatch, push_families
from exporters.shared.push_sender import PushRequest
from nervesys.contract.otlp_names import Signal
from nervesys.metrics import SourceArea

FAMILIES = push_families("trace", "lines", SourceArea("traces", "push"))
QUEUE = "trace-push"
"""Names the waiting objects in the cache."""
REQUEST_LINES, REQUEST_BYTES = 100, 1 << 20
"""Of one request; the Collector takes 20 MiB, and Tempo 4 MB, by default."""
REJECTED_COUNTS = ("rejectedSpans", "rejectedLogRecords", "rejectedDataPoints")

_decode = Decoder(dict[str, list[Raw]]).decode
_decode_response = Decoder(dict[str, dict[str, object]]).decode


@dataclass(frozen=True)
class _Line:
    """A line of OTLP/JSON.

    Attributes:
        signal: what it holds; None for a line that is no such request.
        groups: items of its outermost list.
        size: in bytes.
    """

    signal: Signal | None
    groups: list[Raw]
    size: int


class TraceTarget:
    """Lines of OTLP/JSON, as they lie in the store."""

    families = FAMILIES

    def batches(self, key: str, lines: Iterable[bytes]) -> Iterator[PushBatch]:
        """Lines of one signal in a row become a request; where it is refused, each is sent by itself."""
        for signal, group in groupby(map(_parse, lines), key=lambda line: line.signal):
            for part in _parts(group):
                yield _batch(signal, part)

    def rejected(self, response: requests.Response) -> int:
        """Items of `partialSuccess` (https://opentelemetry.io/docs/specs/otlp/#partial-success-1)."""
        try:
            partial = _decode_response(response.content or b"{}").get("partialSuccess", {})
            return sum(int(str(partial.get(name, 0))) for name in REJECTED_COUNTS)
        except (DecodeError, ValueError):
            return 0


def _parse(line: bytes) -> _Line:
    try:
        data = _decode(line)
    except (DecodeError, ValidationError, UnicodeDecodeError):
        data = {}
    signal = next((signal for signal in Signal if signal.outer in data), None)
    return _Line(signal, data[signal.outer] if signal else [], len(line))


def _parts(lines: Iterable[_Line]) -> Iterator[Sequence[_Line]]:
    part: list[_Line] = []
    size = 0
    for line in lines:
        if part and (len(part) >= REQUEST_LINES or size + line.size > REQUEST_BYTES):
            yield part
            part, size = [], 0
        part.append(line)
        size += line.size
    if part:
        yield part


def _batch(signal: Signal | None, lines: Sequence[_Line]) -> PushBatch:
    if signal is None:  # counted by the area `traces`
        return PushBatch(len(lines), 0, PushRequest("", "", b""))
    groups = b",".join(bytes(group) for line in lines for group in line.groups)
    body = b'{"%s":[%s]}' % (signal.outer.encode(), groups)
    parts = tuple(_batch(signal, (line,)) for line in lines) if len(lines) > 1 else ()
    return PushBatch(len(lines), len(lines), PushRequest(f"/v1/{signal.path}", "application/json", body), parts)

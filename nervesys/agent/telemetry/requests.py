"""Parses the bodies of OTLP requests: protobuf or JSON, plain or compressed, each within limits."""

import zlib
from base64 import b64encode
from binascii import Error as BadHex
from enum import Enum
from typing import Any

import orjson
from google.protobuf.json_format import MessageToJson, ParseDict, ParseError
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from nervesys.contract.otlp_names import IDS, Signal
from nervesys.errors import NervesysError

BODY_BYTES = 16 << 20
"""Of a request, before and after it is unpacked."""
MESSAGES: dict[Signal, type[Message]] = {
    Signal.TRACES: ExportTraceServiceRequest,
    Signal.LOGS: ExportLogsServiceRequest,
    Signal.METRICS: ExportMetricsServiceRequest,
}
RESPONSES: dict[Signal, tuple[type[Message], str]] = {
    Signal.TRACES: (ExportTraceServiceResponse, "rejected_spans"),
    Signal.LOGS: (ExportLogsServiceResponse, "rejected_log_records"),
    Signal.METRICS: (ExportMetricsServiceResponse, "rejected_data_points"),
}
"""With the field of `partial_success` that counts what is missing."""
WINDOW_BITS = {"gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


class Form(Enum):
    """How a request is encoded: the value of its `Content-Type`."""

    PROTOBUF = "application/x-protobuf"
    JSON = "application/json"


class BadRequest(NervesysError):
    """A body that is not a request of OTLP; sending it again is useless."""


class TooLarge(NervesysError):
    """A body beyond the limit."""


def parse_request(body: bytes, signal: Signal, form: Form, packing: str) -> Message:
    """Parse a body.

    Args:
        body: as received.
        signal: what it must hold.
        form: how it is encoded.
        packing: `Content-Encoding`; empty or `identity` for none.

    Raises:
        BadRequest: it is damaged, or is no such request; says why.
        TooLarge: it unpacks to more than `BODY_BYTES`.
    """
    plain = _unpack(body, packing)
    kind = MESSAGES[signal]
    try:
        if form is Form.PROTOBUF:
            return kind.FromString(plain)
        if not isinstance(data := orjson.loads(plain), dict):
            raise BadRequest(f"not a request of {signal.path}: not an object of JSON")
        _ids_to_base64(data)
        return ParseDict(data, kind(), ignore_unknown_fields=True)
    except (DecodeError, ParseError, ValueError, TypeError, AttributeError, RecursionError, BadHex) as err:
        raise BadRequest(f"not a request of {signal.path} in {form.value}: {str(err)[:200]}") from err


def success(signal: Signal, form: Form, rejected: int, problem: str) -> bytes:
    """The body of a successful response (https://opentelemetry.io/docs/specs/otlp/#partial-success-1).

    Args:
        signal: of the request.
        form: of the request.
        rejected: how many items were not stored.
        problem: why, or a warning; empty if there is none.
    """
    kind, field = RESPONSES[signal]
    response = kind()
    if problem:
        ParseDict({"partial_success": {field: rejected, "error_message": problem}}, response)
    encoded: bytes = MessageToJson(response).encode() if form is Form.JSON else response.SerializeToString()
    return encoded


def _unpack(body: bytes, packing: str) -> bytes:
    if packing in ("", "identity"):
        return body
    unpacker = zlib.decompressobj(WINDOW_BITS[packing])
    try:
        plain = unpacker.decompress(body, BODY_BYTES + 1)
    except zlib.error as err:
        raise BadRequest(f"not {packing}: {err}") from err
    if len(plain) > BODY_BYTES:
        raise TooLarge(f"unpacks to more than {BODY_BYTES} bytes")
    if not unpacker.eof or unpacker.unused_data:
        raise BadRequest(f"not one whole stream of {packing}")
    return plain


def _ids_to_base64(value: Any) -> None:
    """Ids are hexadecimal in OTLP/JSON; protobuf's own parser reads bytes in base64."""
    if isinstance(value, list):
        for item in value:
            _ids_to_base64(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name in IDS and isinstance(item, str):
                value[name] = b64encode(bytes.fromhex(item)).decode()
            else:
                _ids_to_base64(item)

"""The last trace with an error that an agent sent before an instant, from the store: for people to open.

Reads   as `last_lines`: the listings of two days of one server; objects of the agent around the instant.
Errors  none are raised: a message says what is missing.
"""

import re
from collections import deque
from dataclasses import dataclass

from alerting.receiver.last_lines import INFLATED_BYTES, OBJECT_BYTES, find_objects, newest_first
from alerting.receiver.search_result import SearchResult
from nervesys.contract import PathTemplate
from nervesys.contract.otlp import parse_line
from nervesys.errors import BadObject, StoreUnavailable
from nervesys.stores.lines import lines_of
from nervesys.stores.objects import ObjectInfo, ObjectStore

TRACE_ID = re.compile(r"[0-9a-f]{32}")
TAIL = 500
"""Lines at the end of an object that are looked at; each is one request with many spans."""


@dataclass(frozen=True, order=True)
class FailedTrace:
    """A trace with an error.

    Attributes:
        ended: when the span with the error ended, Unix seconds.
        trace_id: 32 hexadecimal digits.
        name: of that span, as the agent wrote it.
    """

    ended: float
    trace_id: str
    name: str


def last_failed_trace(
    store: ObjectStore, template: PathTemplate, agent: str, server: str, until: float
) -> SearchResult[FailedTrace]:
    """The last trace with an error.

    Args:
        store: read only; blocks.
        template: of the area of traces.
        agent: its name.
        server: that it ran on; empty where it is not known.
        until: Unix seconds; what ended later is left out.
    """
    if "server" in template.fields and not server:
        return SearchResult(missing="It is not known on which server it ran.")
    try:
        for info in newest_first(find_objects(store, template, agent, server, until), until):
            if info.size <= OBJECT_BYTES and (failed := _failed_traces(store, info, until)):
                return SearchResult((max(failed),))
    except StoreUnavailable as err:
        return SearchResult(missing=f"The store cannot be read: {err}")
    return SearchResult(missing="No trace with an error is among its last ones.")


def _failed_traces(store: ObjectStore, info: ObjectInfo, until: float) -> list[FailedTrace]:
    """Those of an object, as far as it can be read."""
    found: list[FailedTrace] = []
    try:
        with store.open(info.key) as stream:
            tail = deque(lines_of(stream, info.key, max_bytes=INFLATED_BYTES), maxlen=TAIL)
    except BadObject:
        return []
    for line in tail:
        try:
            spans = [span for _, span in parse_line(line) if span.failed]
        except BadObject:
            continue
        for span in spans:
            trace_id, ended = span.trace_id.lower(), span.begin + span.seconds
            if ended <= until and TRACE_ID.fullmatch(trace_id):
                found.append(FailedTrace(ended, trace_id, span.name))
    return found

"""Log records as a log database takes them."""

from collections.abc import Iterable, Iterator

import requests

from exporters.shared.log_push_body import push_request
from exporters.shared.push import PushBatch, push_families
from exporters.shared.push_sender import PushRequest
from nervesys.contract import PathTemplate, agent_name, server_name
from nervesys.errors import BadObject, Reason
from nervesys.logs.entries import LogEntry, parse_entry
from nervesys.metrics import SourceArea
from nervesys.settings.logs import LogDatabaseKind

FAMILIES = push_families("log", "records", SourceArea("store", "push"))
QUEUE = "log-push"
"""Names the waiting objects in the cache."""
REQUEST_RECORDS, REQUEST_BYTES = 1000, 1 << 20
"""Of one request: Loki refuses more than 4 MB by default."""


class LogTarget:
    """Log records.

    Args:
        kind: of the log database.
        template: of the objects' keys.
    """

    families = FAMILIES

    def __init__(self, kind: LogDatabaseKind, template: PathTemplate) -> None:
        self._kind, self._template = kind, template

    def batches(self, key: str, lines: Iterable[bytes]) -> Iterator[PushBatch]:
        """Requests of bounded size, which are not divided: of a batch that is too old, each record is."""
        fields = self._template.parse(key)
        if fields is None:
            raise BadObject(Reason.BAD_KEY, f"not of {self._template.text}")
        agent = agent_name(fields["agent"]) if "agent" in fields else None
        server = server_name(fields["server"]) if "server" in fields else ""
        entries: list[LogEntry] = []
        taken = size = 0
        for line in lines:
            if entries and (len(entries) >= REQUEST_RECORDS or size + len(line) > REQUEST_BYTES):
                yield self._batch(taken, entries)
                entries, taken, size = [], 0, 0
            taken += 1
            try:
                entries.append(parse_entry(line.rstrip(b"\r\n"), server, agent))
            except BadObject:  # counted by the area `logs`
                continue
            size += len(line)
        if taken:
            yield self._batch(taken, entries)

    def rejected(self, response: requests.Response) -> int:
        """None: these databases refuse a request as a whole."""
        return 0

    def _batch(self, lines: int, entries: list[LogEntry]) -> PushBatch:
        request = push_request(self._kind, entries) if entries else PushRequest("", "", b"")
        return PushBatch(lines, len(entries), request)

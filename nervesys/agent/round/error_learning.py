"""Learns from errors: kinds that recur go into the knowledge base, with their history and what ended them.

What happened on which day lies in an object beside the knowledge base. A day is added to it once, and the values for
the knowledge base follow from it alone: a round that was interrupted is completed by the next one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from nervesys.agent.knowledge import MAX_BYTES, shared_key
from nervesys.agent.round.error_causes import ErrorCauses
from nervesys.agent.round.error_history import ErrorDay, ErrorHistory, RecurringError
from nervesys.contract.knowledge import NOTHING, Knowledge, learn_value, merge
from nervesys.contract.times import format_time
from nervesys.errors import BadObject, Reason
from nervesys.settings.storage import StorePaths
from nervesys.stores.encryption import decrypt_body, encrypt
from nervesys.stores.objects import ObjectStore

WRITER = "daily-round"
"""In place of an agent's name, in the statements of the knowledge base."""
ADDRESS = "errors/{name}"
NEW_A_DAY, PUBLISHED = 20, 500
"""Kinds that are added to the knowledge base on one day, those with the most errors first; and in all."""
NAMED_AGENTS = 5
"""Agents whose last change of configuration is named, those with the most errors first."""


@dataclass
class ErrorLearning:
    """One round's learning.

    Attributes:
        store: holds the history.
        paths: of the store.
        causes: finds changes, restarts and alerts.
        recipients: of age encryption of the history; plain if there are none.
        date: yesterday, in UTC.
    """

    store: ObjectStore
    paths: StorePaths
    causes: ErrorCauses
    recipients: Sequence[str]
    date: str
    _day: ErrorDay | None = field(default=None)

    @property
    def key(self) -> str:
        """Of the history, beside the knowledge base."""
        return f"{shared_key(self.paths).rpartition('/')[0]}/error_history.json"

    def watch(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Pass on yesterday's lines to whoever reads them anyway, and learn from them."""
        self._day = ErrorDay(self.date)
        yield from self._day.watch(lines)

    def run(self, lines: Iterable[bytes], now: float) -> Knowledge:
        """Add yesterday to the history; returns the statements for the knowledge base.

        Args:
            lines: of yesterday; read only if `watch` was not.
            now: Unix seconds.

        Raises:
            StoreUnavailable: the store does not answer.
            BadObject: the history cannot be parsed; it is not overwritten.
        """
        history = self._read()
        if history.last_day < self.date:
            if self._day is None:
                for _ in self.watch(lines):
                    pass
            assert self._day is not None, "it was just read"
            history.add_day(self._day)
            self._find_ends(history, self._day)
            _choose(history)
            self.store.put(
                self.key, encrypt(history.model_dump_json().encode(), self.recipients), content_type="application/json"
            )
        return self._statements(history, now)

    def _read(self) -> ErrorHistory:
        try:
            body = self.store.get(self.key, max_bytes=MAX_BYTES)
        except BadObject as bad:
            if bad.reason is Reason.GONE:
                return ErrorHistory()
            raise
        try:
            return ErrorHistory.parse(decrypt_body(body, self.key))
        except BadObject as bad:
            raise BadObject(bad.reason, f"{self.key}: {bad.detail}; repair or delete it") from None

    def _find_ends(self, history: ErrorHistory, day: ErrorDay) -> None:
        for kind in history.kinds.values():
            if kind.recurs and kind.end is None:
                kind.end = self.causes.end_of(kind, day.date, day.active, history.starts)

    def _statements(self, history: ErrorHistory, now: float) -> Knowledge:
        published = ((name, kind) for name, kind in history.kinds.items() if kind.published)
        return merge(
            [
                NOTHING,
                *(learn_value(WRITER, ADDRESS.format(name=name), self._value(kind), now) for name, kind in published),
            ]
        )

    def _value(self, kind: RecurringError) -> dict[str, Any]:
        most = sorted(kind.agents, key=lambda agent: (-kind.agents[agent], agent))
        changes = {agent: change for agent in most[:NAMED_AGENTS] if (change := self.causes.last_change(agent))}
        end = kind.end
        return {
            "error": kind.error,
            "action": kind.action,
            "first_seen": format_time(kind.first_seen),
            "last_seen": format_time(kind.last_seen),
            "days": len(kind.days),
            "count": kind.count,
            "agents": most,
            "configuration": [{"agent": agent, **change} for agent, change in changes.items()],
            "ended": [{"by": end.by, "at": format_time(end.at), "what": end.what}] if end else [],
        }


def _choose(history: ErrorHistory) -> None:
    """Choose the kinds that go into the knowledge base from now on."""
    room = PUBLISHED - sum(kind.published for kind in history.kinds.values())
    new = [kind for kind in history.kinds.values() if kind.recurs and not kind.published]
    for kind in sorted(new, key=lambda kind: -kind.count)[: max(0, min(room, NEW_A_DAY))]:
        kind.published = True

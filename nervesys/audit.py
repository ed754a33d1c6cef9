"""The audit trail: who did what to what, with which result. Events become log records of the category `audit`.

`AUDIT.record` neither blocks nor fails. It counts each event, and logs it at `LOGGER`, from where a program's trail
takes it to the disk and to the store. The same event again within `REPEAT_SECONDS` is counted, and logged once more
with the number of repetitions, so that a flood of attempts to sign in costs a few records a minute.
"""

import logging
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile

LOGGER = "nervesys.audit"
REPEAT_SECONDS = 60.0
DISTINCT = 1000
"""Most different events that are kept apart within `REPEAT_SECONDS`; further ones count as one of `OTHERS`."""
OTHERS, UNKNOWN = "others", "unknown"
"""In place of who it was: one of too many, or somebody without valid credentials."""
TEXT_CHARACTERS = 300
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\uffff]+")

log = logging.getLogger(LOGGER)
log.setLevel(logging.INFO)  # whatever the program's level is


class AuditAction(StrEnum):
    """What was done; a label of metrics, so it never holds a name."""

    SIGN_IN = "sign_in"
    SIGN_OUT = "sign_out"
    ORDER = "order"
    ACTION = "action"
    """An action of the receiver, such as a restart."""
    READ_LOGS = "read_logs"
    READ_ARTIFACT = "read_artifact"
    DELETE_ARTIFACT = "delete_artifact"
    CALL_TOOL = "call_tool"
    RESTORE = "restore"
    BACKUP = "backup"
    ROTATE = "rotate_secrets"
    CONFIGURE = "configure"


class AuditResult(StrEnum):
    """How it ended: done, refused for lack of rights, or attempted in vain."""

    OK = "ok"
    DENIED = "denied"
    FAILED = "failed"


@dataclass(frozen=True)
class AuditEvent:
    """One access.

    Attributes:
        action: what was done.
        result: how it ended.
        who: a user, an agent, the name of a token, or a session, by a hash of it.
        target: what it was done to.
        client: address of whoever asked, for requests.
        detail: in words.
    """

    action: AuditAction
    result: AuditResult
    who: str
    target: str = ""
    client: str = ""
    detail: str = ""

    def cleaned(self) -> "AuditEvent":
        """The event with short texts on one line."""
        texts = (_cleaned(text) for text in (self.who, self.target, self.client, self.detail))
        return AuditEvent(self.action, self.result, *texts)


def _cleaned(text: str) -> str:
    return _UNPRINTABLE.sub(" ", text)[:TEXT_CHARACTERS]


@dataclass
class _Repetition:
    began: float
    more: int = 0


class AuditLog:
    """Counts events and logs them; thread-safe.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._recent: dict[AuditEvent, _Repetition] = {}
        self.counts: Counter[tuple[AuditAction, AuditResult]] = Counter()
        """Events by action and result, since the start."""
        self.failures: Counter[str] = Counter()
        """Failed writes of the trail, by where: `disk` or `store`."""
        self.lost = 0
        """Records that the trail dropped because its buffer was full."""

    def record(
        self,
        action: AuditAction,
        result: AuditResult,
        who: str,
        target: str = "",
        *,
        client: str = "",
        detail: str = "",
    ) -> None:
        """Count and log an event; the parameters are those of `AuditEvent`."""
        event = AuditEvent(action, result, who, target, client, detail).cleaned()
        with self._lock:
            self.counts[action, result] += 1
            now = self._clock()
            ended = self._take_ended(now)
            if event not in self._recent and len(self._recent) >= DISTINCT:
                event = AuditEvent(action, result, OTHERS)
            repetition = self._recent.get(event)
            if repetition:
                repetition.more += 1
            else:
                self._recent[event] = _Repetition(now)
        for earlier, more in ended:
            _log(earlier, more)
        if not repetition:
            _log(event, 0)

    @contextmanager
    def watch(self, action: AuditAction, who: str, target: str) -> Iterator[None]:
        """Record a block: as failed if it raises, else as done. Times and sizes do not belong into the target."""
        try:
            yield
        except BaseException as err:
            self.record(action, AuditResult.FAILED, who, target, detail=f"{type(err).__name__}: {err}")
            raise
        self.record(action, AuditResult.OK, who, target)

    def flush(self, *, everything: bool = False) -> None:
        """Log the repetitions whose time is over; at the end of a program all."""
        with self._lock:
            ended = self._take_ended(float("inf") if everything else self._clock())
        for event, more in ended:
            _log(event, more)

    def _take_ended(self, now: float) -> list[tuple[AuditEvent, int]]:
        """Forget what began long ago, and return what was repeated. They are in the order of their beginning."""
        over = list(takewhile(lambda item: not 0 <= now - item[1].began < REPEAT_SECONDS, self._recent.items()))
        for event, _ in over:
            del self._recent[event]
        return [(event, repetition.more) for event, repetition in over if repetition.more]


def _log(event: AuditEvent, more: int) -> None:
    """Log an event, or so many repetitions of it."""
    context = {
        "who": event.who,
        "target": event.target,
        "result": event.result.value,
        "client": event.client,
        "detail": event.detail,
    }
    fields: dict[str, object] = {name: text for name, text in context.items() if text}
    if more:
        fields["repeated"] = more
    words = [f"{event.who}: {event.action.value.replace('_', ' ')}", event.target, f"{event.result.value}"]
    text = " ".join(filter(None, words)) + (f", {more} times more" if more else "")
    level = logging.INFO if event.result is AuditResult.OK else logging.WARNING
    log.log(level, "%s", text, extra={"category": "audit", "action": event.action.value, "context": fields})


AUDIT = AuditLog()
"""The events of this process."""

"""Has an agent's errors judged by the language model, where one is configured; nothing waits for it.

The verdict is a log record like any other, so it is archived with the error. What is critical is posted to
Alertmanager at once, and again for as long as such errors come.
"""

import logging
from collections import deque
from dataclasses import dataclass

from nervesys.agent.identity import Identity
from nervesys.analysis import Analyst, ErrorSeverity, NoModelAnswer, about_error, analyst_of
from nervesys.analysis.alert import LASTS_SECONDS, REFRESH_SECONDS, posted
from nervesys.clients.alertmanager import Cluster
from nervesys.clock import Clock
from nervesys.contract import Category, Level, LogRecord
from nervesys.contract.fingerprints import fingerprint

USE = "error_analysis"
"""In `use_for`, for an analyst that judges errors."""
TRIGGER = "error"
"""In a word of `triggers`, likewise: brains write `error`, `on_error`, `error_detected`."""
WAITING = 100
"""Errors that wait for a verdict; of more, the oldest are left unjudged."""
STANDS_SECONDS = 900.0
"""That a critical error counts as present after it was last seen."""
TRACE_CHARACTERS = 3000


@dataclass
class Critical:
    """A kind of error that was judged critical.

    Attributes:
        since: when it was first seen; Unix seconds.
        seen: when it was last seen.
    """

    action: str
    reason: str
    since: float
    seen: float


class Triage:
    """Judges the errors of one agent.

    Args:
        me: whose they are.
        analyst: who asks the model.
        cluster: who is told of what is critical.
        clock: of all timestamps.
    """

    def __init__(self, me: Identity, analyst: Analyst, cluster: Cluster, clock: Clock) -> None:
        self._me, self._analyst, self._cluster, self._clock = me, analyst, cluster, clock
        self._errors: deque[LogRecord] = deque(maxlen=WAITING)
        self._critical: dict[str, Critical] = {}
        self._posted_at: float | None = None
        self.handler = Errors(self._errors, me.name)
        """Takes the errors from the logging module."""

    def turn(self) -> None:
        """Judge what waits, and post what stands.

        Raises:
            NoAnswer: the model did not judge; the errors wait.
            AlertmanagerUnavailable: nobody took the alert; the next turn posts it.
        """
        silence: NoModelAnswer | None = None
        while self._errors and silence is None:
            error = self._errors[0]
            try:
                self._judge(error)
            except NoModelAnswer as err:
                silence = err
            else:
                self._errors.popleft()
        self._post()
        if silence:
            raise silence

    def _judge(self, error: LogRecord) -> None:
        kind, now = fingerprint(error), self._clock()
        judged = self._analyst.judge(kind, about_error(error))
        verdict, action = judged.verdict, error.action or "an error"
        if judged.tokens:
            self._me.log.info(
                "%s is %s: %s",
                action,
                verdict.severity,
                verdict.reason,
                extra={
                    "action": USE,
                    "category": Category.AUDIT,
                    "context": {"error": kind, "severity": verdict.severity},
                    "metadata": {"model_version": self._analyst.model, "tokens_used": judged.tokens},
                },
            )
        if verdict.severity is ErrorSeverity.CRITICAL:
            before = self._critical.get(kind)
            if before is None:
                self._posted_at = None  # news do not wait
            since = before.since if before else error.timestamp
            self._critical[kind] = Critical(action, verdict.reason, since, now)

    def _post(self) -> None:
        """Post the newest of what stands; once more, with its end, when nothing does."""
        now = self._clock()
        if not self._critical or (self._posted_at is not None and now - self._posted_at < REFRESH_SECONDS):
            return
        newest = max(self._critical.values(), key=lambda one: one.seen)
        self._critical = {kind: one for kind, one in self._critical.items() if now - one.seen < STANDS_SECONDS}
        end = now + LASTS_SECONDS if self._critical else now
        alert = posted(self._me.name, newest.action, newest.reason, self._me.settings, newest.since, end)
        self._cluster.post([alert])
        self._posted_at = now


class Errors(logging.Handler):
    """Keeps each error."""

    def __init__(self, errors: deque[LogRecord], agent: str) -> None:
        super().__init__(logging.ERROR)
        self._errors, self._agent = errors, agent

    def emit(self, record: logging.LogRecord) -> None:
        """Keep an error."""
        try:
            self._errors.append(_error(record, self._agent))
        except Exception:  # noqa: BLE001  # whatever an argument's own code raises; logging tells it
            self.handleError(record)


def _error(record: logging.LogRecord, agent: str) -> LogRecord:
    said = vars(record)
    context = {
        name: value for name, value in (said.get("context") or {}).items() if isinstance(value, str | int | float)
    }
    if record.exc_info and record.exc_info[0]:
        trace = logging.Formatter().formatException(record.exc_info)
        context |= {"exception": record.exc_info[0].__name__, "traceback": trace[-TRACE_CHARACTERS:]}
    return LogRecord.model_validate(
        {
            "timestamp": record.created,
            "agent_id": agent,
            "level": Level.ERROR,
            "category": Category.ERRORS,
            "action": str(said.get("action") or record.name),
            "message": record.getMessage(),
            "context": context,
        }
    )


def triage_of(me: Identity, clock: Clock) -> Triage | None:
    """The triage that the settings ask for; None where they ask for none."""
    said = me.settings.alibaba.alibaba_cloud
    if USE not in said.use_for or not any(TRIGGER in one for one in said.triggers):
        return None
    analyst = analyst_of(said, me.folder / "analysis.sqlite3", me.redactor.text, clock)
    return Triage(me, analyst, Cluster.of(me.settings.monitoring), clock) if analyst else None

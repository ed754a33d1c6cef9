"""Triage of an agent's errors by a language model, if one is configured; nothing waits for it.

The verdict is logged, and so archived with the error. For a critical error an alert is posted to Alertmanager at once,
and again for as long as such errors occur.
"""

import logging
from collections import deque
from dataclasses import dataclass

from nervesys.agent.edge import USE as EDGE
from nervesys.agent.edge import EdgeFilter
from nervesys.agent.identity import Identity
from nervesys.analysis import Analyst, ErrorSeverity, NoModelAnswer, about_error, make_analyst
from nervesys.analysis.alert import LASTS_SECONDS, REFRESH_SECONDS, alert_body
from nervesys.clients.alertmanager import Cluster
from nervesys.clock import Clock
from nervesys.contract import Category, Level, LogRecord
from nervesys.contract.fingerprints import fingerprint
from nervesys.contract.state import ServerMetrics

USE, ANOMALIES = "error_analysis", "anomaly_detection"
"""Values in `use_for`, and actions of the records with verdicts."""
ERROR_USES = (USE, EDGE)
"""Values in `use_for` that enable the triage of errors."""
ANOMALY_SCORE = 6.0
"""From this on, a value is unusual: the same as in the alert Server Unusual."""
TRIGGER = "error"
"""Must be part of a value in `triggers`: existing brains write `error`, `on_error`, `error_detected`."""
WAITING = 100
"""Errors queued for a verdict; beyond it the oldest are dropped without one."""
CRITICAL_SECONDS = 900.0
"""A critical error is active for so long after it was last seen."""
TRACE_CHARACTERS = 3000


@dataclass
class CriticalError:
    """A kind of error with the verdict critical.

    Attributes:
        action: that failed.
        reason: given by the model.
        first_seen: Unix seconds.
        last_seen: Unix seconds.
    """

    action: str
    reason: str
    first_seen: float
    last_seen: float


class Triage:
    """Requests verdicts on the errors of one agent.

    Args:
        me: the agent.
        analyst: client of the model.
        cluster: the Alertmanagers to which critical errors are posted.
        clock: of all timestamps.
        edge: judges logs before they are shipped; None if the settings do not enable it.
        errors: whether errors are judged.
        anomalies: whether unusual values are judged.
    """

    def __init__(
        self,
        me: Identity,
        analyst: Analyst,
        cluster: Cluster,
        clock: Clock,
        edge: EdgeFilter | None = None,
        *,
        errors: bool = True,
        anomalies: bool = False,
    ) -> None:
        self._me, self._analyst, self._cluster, self._clock = me, analyst, cluster, clock
        self.edge, self._anomalies = edge, anomalies
        self._errors: deque[LogRecord] = deque(maxlen=WAITING)
        self._critical: dict[str, CriticalError] = {}
        self._posted_at: float | None = None
        self.handler: logging.Handler = ErrorQueueHandler(self._errors, me.name) if errors else logging.NullHandler()
        """Logging handler that queues errors."""

    def observe(self, metrics: ServerMetrics | None) -> None:
        """Queue the unusual values of the newest server metrics."""
        if not self._anomalies or metrics is None or metrics.anomalies is None:
            return
        for signal, score in metrics.anomalies.model_dump(exclude_none=True).items():
            if abs(score) >= ANOMALY_SCORE:
                direction = "high" if score > 0 else "low"
                message = f"{signal} of server {metrics.server} is unusually {direction}, score {score:g}"
                values = metrics.model_dump(mode="json", exclude_none=True, exclude={"anomalies"})
                self._errors.append(_anomaly_record(self._me.name, metrics.timestamp, message, values))

    def judge_waiting(self) -> None:
        """Request verdicts on all queued errors, and post an alert for active critical ones.

        Raises:
            NoModelAnswer: the model gave no verdict; the errors stay queued.
            AlertmanagerUnavailable: no Alertmanager accepted the alert; the next call posts it.
        """
        no_answer: NoModelAnswer | None = None
        while self._errors and no_answer is None:
            error = self._errors[0]
            try:
                self._judge(error)
            except NoModelAnswer as err:
                no_answer = err
            else:
                self._errors.popleft()
        self._post()
        if no_answer:
            raise no_answer
        if self.edge:
            self.edge.judge_waiting()

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
                    "action": ANOMALIES if error.action == ANOMALIES else USE,
                    "category": Category.AUDIT,
                    "context": {"error": kind, "severity": verdict.severity},
                    "metadata": {"model_version": self._analyst.model, "tokens_used": judged.tokens},
                },
            )
        if verdict.severity is ErrorSeverity.CRITICAL:
            before = self._critical.get(kind)
            if before is None:
                self._posted_at = None  # a new kind of error is posted at once
            first_seen = before.first_seen if before else error.timestamp
            self._critical[kind] = CriticalError(action, verdict.reason, first_seen, now)

    def _post(self) -> None:
        """Post an alert for the newest active error; once none is active, post its end."""
        now = self._clock()
        if not self._critical or (self._posted_at is not None and now - self._posted_at < REFRESH_SECONDS):
            return
        newest = max(self._critical.values(), key=lambda error: error.last_seen)
        self._critical = {
            kind: error for kind, error in self._critical.items() if now - error.last_seen < CRITICAL_SECONDS
        }
        end = now + LASTS_SECONDS if self._critical else now
        alert = alert_body(self._me.name, newest.action, newest.reason, self._me.settings, newest.first_seen, end)
        self._cluster.post([alert])
        self._posted_at = now


class ErrorQueueHandler(logging.Handler):
    """Logging handler that appends each error to a queue."""

    def __init__(self, errors: deque[LogRecord], agent: str) -> None:
        super().__init__(logging.ERROR)
        self._errors, self._agent = errors, agent

    def emit(self, record: logging.LogRecord) -> None:
        """Queue an error."""
        try:
            self._errors.append(_to_log_record(record, self._agent))
        except Exception:  # noqa: BLE001  # an argument's own code may raise anything; logging reports it
            self.handleError(record)


def _to_log_record(record: logging.LogRecord, agent: str) -> LogRecord:
    fields = vars(record)
    context = {
        name: value for name, value in (fields.get("context") or {}).items() if isinstance(value, str | int | float)
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
            "action": str(fields.get("action") or record.name),
            "message": record.getMessage(),
            "context": context,
        }
    )


def _anomaly_record(agent: str, timestamp: float, message: str, values: dict[str, object]) -> LogRecord:
    return LogRecord.model_validate(
        {
            "timestamp": timestamp,
            "agent_id": agent,
            "level": Level.WARN,
            "category": Category.SYSTEM,
            "action": ANOMALIES,
            "message": message,
            "context": {"values": values},
        }
    )


def open_triage(me: Identity, clock: Clock) -> Triage | None:
    """The triage that the settings enable, or None."""
    fields = me.settings.alibaba.alibaba_cloud
    errors = fields.used_for(*ERROR_USES) and any(TRIGGER in trigger for trigger in fields.triggers)
    anomalies, at_edge = fields.used_for(ANOMALIES), fields.used_for(EDGE)
    analyst = make_analyst(fields, me.folder / "analysis.sqlite3", me.redactor.text, clock)
    if analyst is None or not (errors or anomalies or at_edge):
        return None
    edge = EdgeFilter(me, analyst, clock) if at_edge else None
    return Triage(me, analyst, Cluster.of(me.settings.monitoring), clock, edge, errors=errors, anomalies=anomalies)

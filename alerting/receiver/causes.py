"""What an alert with a restart is about: the agent's silence, or a cause that a fresh heartbeat does not refute.

Silence is judged by the heartbeat alone. Any other cause, such as errors or memory, is judged by whether the alert
still fires, and a restart is proven only once the alert is quiet again. Where the cause is that the agent gets nowhere,
its state must confirm that as well, and the proof is progress.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from alerting.conditions.language import Comparison, NamedClause, parse_condition
from alerting.model import AlertsFile
from alerting.receiver.progress import REFUTED_BY
from nervesys.clients.promql import selections
from nervesys.settings import Settings

HEARTBEAT_FAMILY = "nervesys_agent_heartbeat_timestamp_seconds"
HEARTBEAT_CONDITIONS = frozenset({"heartbeat", "agent never seen", "agent stuck stopping"})
"""`no heartbeat`, and the named conditions that the agent's state object answers."""
DELIVERY_SECONDS = 60.0
"""That an evaluation and the delivery of `resolved` may take."""


@dataclass(frozen=True)
class RestartCause:
    """An alert with a restart that is not about silence.

    Attributes:
        alert: its alertname.
        because: why its restart helps, as alerts.yaml says; may be empty.
        quiet_seconds: that the alert may go on firing after a restart that helped, for its window reaches back.
        subject: the condition about progress that it is about, which the agent's state confirms or refutes; empty where
            it is about something else.
    """

    alert: str
    because: str = ""
    quiet_seconds: float = DELIVERY_SECONDS
    subject: str = ""

    def __str__(self) -> str:
        return f"{self.alert} is firing{self.because and f': {self.because}'}"


def find_causes(alerts: AlertsFile, settings: Settings, action: str) -> Mapping[str, RestartCause]:
    """By alertname, the alerts with this action that are not about silence.

    Args:
        alerts: of the brain; that they can be parsed was checked before.
        settings: an alert fires for the grace period after its condition has ended.
        action: such as `restart_agent`.
    """
    lasting = settings.thresholds.heartbeat.grace_seconds + DELIVERY_SECONDS
    found = {}
    for alert in alerts.alerts:
        if any(step.auto_action == action for step in alert.actions):
            silence, window = _read_subject(alert.condition, alert.expr)
            if not silence:
                subject = _progress_subject(alert.condition)
                found[alert.alertname] = RestartCause(alert.alertname, alert.because, window + lasting, subject)
    return found


@lru_cache(maxsize=1024)  # asked in every turn of the receiver, and parsing takes milliseconds
def _read_subject(condition: str | None, expr: str | None) -> tuple[bool, float]:
    """Whether a fresh heartbeat refutes an alert, and the longest range that it reads, in seconds.

    Of PromQL, every expression that reads heartbeats counts as one about silence.
    """
    if expr is not None:
        found = selections(expr)
        return any(each.name == HEARTBEAT_FAMILY for each in found), _longest(each.window for each in found)
    clauses = parse_condition(condition).clauses if condition else ()
    silence = any(
        clause.words.text in HEARTBEAT_CONDITIONS and (isinstance(clause, NamedClause) or clause.silence)
        for clause in clauses
    )
    return silence, _longest(clause.window for clause in clauses if isinstance(clause, Comparison))


@lru_cache(maxsize=1024)
def _progress_subject(condition: str | None) -> str:
    """The condition about progress, where the alert consists of it alone."""
    clauses = parse_condition(condition).clauses if condition else ()
    words = clauses[0].words.text if len(clauses) == 1 and isinstance(clauses[0], NamedClause) else ""
    return words if words in REFUTED_BY else ""


def _longest(windows: Iterable[float | None]) -> float:
    return max((window for window in windows if window), default=0.0)

"""Action `analyze`: the language model judges whether an alert is critical; notifications do not wait for it.

Where the model does not answer, is over its budget, or answers what cannot be understood, it is asked again for a
while; after that the record says that the alert was not judged.
"""

from collections.abc import Callable
from dataclasses import dataclass

from alerting.drivers.outcome import Cause, Done, Failed, Outcome, Retry
from alerting.journal.records import Record
from nervesys.analysis import Analyst, ErrorVerdict, NoModelAnswer, about_alert

GIVE_UP_SECONDS = 600.0
"""After so long without an answer, an alert is left unjudged."""


@dataclass(frozen=True)
class TriageResult:
    """How one try ended.

    Attributes:
        verdict: None where there is none.
    """

    outcome: Outcome
    verdict: ErrorVerdict | None = None


def send(analyst: Analyst, record: Record, last_error: Callable[[str], str | None], now: float) -> TriageResult:
    """Ask; blocks for as long as the model may take.

    Args:
        analyst: the client of the language model, which keeps to a budget.
        record: the alert.
        last_error: returns `last_error` of an agent's newest state.
        now: Unix seconds.
    """
    error = last_error(record.agent) if record.agent else None
    question = about_alert(record.labels, record.annotations, error)
    kind = " ".join((record.alertname, record.agent, record.labels.get("server", ""), error or ""))
    try:
        verdict = analyst.judge(kind, question).verdict
    except NoModelAnswer as err:
        late = now - record.received_at > GIVE_UP_SECONDS
        return TriageResult((Failed if late else Retry)(Cause.UNREACHABLE, f"not judged: {err}"))
    return TriageResult(Done(f"{verdict.severity}: {verdict.reason}"), verdict)

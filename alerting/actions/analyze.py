"""Action `analyze`: the language model says whether an alert is critical; nothing waits for it.

A model that is away, over its budget or talking nonsense is asked again for a while; then the record says that it was
not judged. People are told of the alert itself all the same.
"""

from collections.abc import Callable
from dataclasses import dataclass

from alerting.actions.outcome import Cause, Done, Failed, Outcome, Retry
from alerting.journal.records import Record
from nervesys.analysis import Analyst, NoAnswer, Verdict, about_alert

PATIENCE_SECONDS = 600.0
"""After which an alert is left unjudged."""


@dataclass(frozen=True)
class Judged:
    """How one try ended.

    Attributes:
        verdict: None where there is none.
    """

    outcome: Outcome
    verdict: Verdict | None = None


def send(analyst: Analyst, record: Record, last_error: Callable[[str], str | None], now: float) -> Judged:
    """Ask; blocks for as long as the model may take.

    Args:
        analyst: who asks, if it is worth it.
        record: the alert.
        last_error: what an agent last said of itself.
        now: Unix seconds.
    """
    error = last_error(record.agent) if record.agent else None
    question = about_alert(record.labels, record.annotations, error)
    kind = " ".join((record.alertname, record.agent, record.labels.get("server", ""), error or ""))
    try:
        verdict = analyst.judge(kind, question).verdict
    except NoAnswer as err:
        late = now - record.received_at > PATIENCE_SECONDS
        return Judged((Failed if late else Retry)(Cause.UNREACHABLE, f"not judged: {err}"))
    return Judged(Done(f"{verdict.severity}: {verdict.reason}"), verdict)

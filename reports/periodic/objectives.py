"""How well each service level objective was met, at the end of a report's period."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dashboards.slo_rules import ATTAINED, BUDGET, LENGTH, REMAINING
from nervesys.clients.prometheus import Series

RECENT = "[1h]"
"""How old a recorded value may be."""
QUERIES = {
    "target": f"1 - last_over_time({BUDGET}{RECENT})",
    "seconds": f"last_over_time({LENGTH}{RECENT})",
    "attained": f"last_over_time({ATTAINED}{RECENT})",
    "remaining": f"last_over_time({REMAINING}{RECENT})",
}
"""PromQL at an instant, by field of `AttainedObjective`."""


@dataclass(frozen=True)
class AttainedObjective:
    """An objective over its own window.

    Attributes:
        agent: empty for an objective of the whole fleet.
        seconds: length of the window.
        target: share of events that must be good.
        attained: share of events that were good.
        remaining: share of the error budget that is left; negative if it is overspent.
    """

    slo: str
    agent: str
    seconds: float
    target: float
    attained: float
    remaining: float


def attained_objectives(answers: Mapping[str, Iterable[Series]]) -> tuple[AttainedObjective, ...]:
    """The objectives that had events, the worst first.

    Args:
        answers: the result of each of `QUERIES`.
    """
    values = {
        name: {(series.labels["slo"], series.labels.get("agent", "")): series.points[-1][1] for series in answer}
        for name, answer in answers.items()
    }
    objectives = [
        AttainedObjective(
            slo,
            agent,
            seconds=values["seconds"][slo, ""],
            target=values["target"][slo, ""],
            attained=attained,
            remaining=values["remaining"][slo, agent],
        )
        for (slo, agent), attained in values["attained"].items()
        if (slo, "") in values["seconds"] and (slo, "") in values["target"] and (slo, agent) in values["remaining"]
    ]
    return tuple(sorted(objectives, key=lambda each: (each.remaining, each.slo, each.agent)))

"""Service level objectives: config/slos.yaml."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from nervesys.contract.logs import DURATION_BUCKETS
from nervesys.contract.objects import AgentName
from nervesys.contract.otlp_names import OPERATION_BUCKETS
from nervesys.settings.section import SettingsSection


class Indicator(StrEnum):
    """What is counted: good events among all events."""

    AVAILABILITY = "availability"
    """Of the checks of all agents, once a heartbeat: those that found a fresh heartbeat."""
    TASKS = "tasks"
    """Of the tasks that ended: those that were completed."""
    ACTIONS = "actions"
    """Of the logged actions with a duration: those within `below_seconds`."""
    CALLS = "calls"
    """Of the calls of models in traces: those within `below_seconds`."""


BOUNDS = {Indicator.ACTIONS: DURATION_BUCKETS, Indicator.CALLS: OPERATION_BUCKETS}
"""What `below_seconds` may be, by the indicators that need it: the buckets of their histograms."""


class Slo(SettingsSection):
    """One objective: a share of good events in a sliding window.

    Attributes:
        percent: of the events that must be good.
        days: length of the window.
        agent: the agent that it is about; None for the whole fleet.
        per_agent: one objective for each agent of the fleet, in place of one for all together.
        below_seconds: largest duration of a good action or call; a bucket of its histogram.
        at_least: fewer events than this in a window never raise an alert about it.
        enabled: false leaves out an objective of the shipped file.
    """

    indicator: Indicator
    percent: float = Field(gt=0, le=99.999)
    days: int = Field(default=30, ge=1, le=90)
    agent: AgentName | None = None
    per_agent: bool = False
    below_seconds: float | None = Field(default=None, gt=0)
    at_least: int = Field(default=1, ge=1)
    enabled: bool = True

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.agent and self.per_agent:
            raise ValueError("`agent` and `per_agent` exclude each other")
        bounds = BOUNDS.get(self.indicator, ())
        if bool(bounds) != (self.below_seconds is not None):
            raise ValueError(f"`below_seconds` is needed for the indicators {' and '.join(BOUNDS)}, and only there")
        if bounds and self.below_seconds not in bounds:
            raise ValueError(f"`below_seconds` must be one of {', '.join(f'{bound:g}' for bound in bounds)}")
        return self

    @property
    def budget(self) -> float:
        """The share of events that may be bad, from 0 to 1."""
        return round(1 - self.percent / 100, 9)


SloName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9 -]{0,62}$")]
"""Value of the label `slo`: small letters, digits, spaces and hyphens."""


class Slos(SettingsSection):
    """config/slos.yaml, whole.

    Attributes:
        objectives: by name; those of a brain are merged over the shipped ones.
    """

    objectives: dict[SloName, Slo]

    @property
    def enabled(self) -> dict[str, Slo]:
        """The objectives in force, by name."""
        return {name: slo for name, slo in self.objectives.items() if slo.enabled}

"""Budgets of the fleet, of agents and of models: config/budgets.yaml."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from nervesys.contract.objects import AgentName
from nervesys.settings.section import SettingsSection

Period = Literal["day", "week", "month"]
PERIODS: tuple[Period, ...] = ("day", "week", "month")
"""Calendar days, ISO weeks (from Monday) and months, in UTC."""
Amount = Annotated[float, Field(gt=0)]


class BudgetLimits(SettingsSection):
    """The limits of one period, in the currency of config/prices.yaml.

    Attributes:
        warn_at: from which on Budget Nearly Spent fires; None for never.
        stop_at: from which on Budget Spent fires and the receiver stops agents; None for never.
    """

    warn_at: Amount | None = None
    stop_at: Amount | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.warn_at is None and self.stop_at is None:
            raise ValueError("give warn_at, stop_at, or both")
        if self.warn_at is not None and self.stop_at is not None and self.warn_at > self.stop_at:
            raise ValueError(f"warn_at ({self.warn_at:g}) must not exceed stop_at ({self.stop_at:g})")
        return self


class PeriodBudget(SettingsSection):
    """The budget of the fleet, an agent or a model."""

    day: BudgetLimits | None = None
    week: BudgetLimits | None = None
    month: BudgetLimits | None = None

    def limits(self) -> Iterator[tuple[Period, BudgetLimits]]:
        """Those periods that have limits."""
        for period in PERIODS:
            limits: BudgetLimits | None = getattr(self, period)
            if limits is not None:
                yield period, limits

    @property
    def stops(self) -> bool:
        """Whether agents are stopped once it is spent."""
        return any(limits.stop_at is not None for _, limits in self.limits())


class SpendingFast(SettingsSection):
    """When spending is unusually fast.

    Attributes:
        times_usual: an hour that costs so many times as much as the mean hour of the day before.
        at_least: cost of an hour below which nothing is unusual.
    """

    times_usual: float = Field(gt=1)
    at_least: Amount


class Budgets(SettingsSection):
    """config/budgets.yaml, whole.

    Attributes:
        fleet: of all agents together; where it is spent, every agent is stopped that has cost anything in the period.
        agents: by name.
        models: by the model's name in the logs; where one is spent, agents are stopped that used it within the hour.
        start_again: whether agents that were stopped are started by themselves once the period is over.
        spending_fast: when spending is unusually fast, with or without budgets.
    """

    fleet: PeriodBudget
    agents: dict[AgentName, PeriodBudget]
    models: dict[str, PeriodBudget]
    start_again: bool
    spending_fast: SpendingFast

    def may_stop(self, agent: str) -> bool:
        """Whether any budget allows that this agent is stopped."""
        own = self.agents.get(agent)
        return bool(own and own.stops) or self.fleet.stops or any(budget.stops for budget in self.models.values())

    def shortest_stop(self, agent: str) -> Period:
        """The shortest period whose budget stops this agent; the day where none does."""
        budgets = (self.fleet, self.agents.get(agent), *self.models.values())
        periods = {
            period
            for budget in budgets
            if budget is not None
            for period, limits in budget.limits()
            if limits.stop_at is not None
        }
        return next((period for period in PERIODS if period in periods), PERIODS[0])

    def scopes(self) -> Iterator[tuple[str, str, PeriodBudget]]:
        """Agent, model and budget of each scope; both names are empty for the fleet."""
        yield "", "", self.fleet
        for agent, budget in self.agents.items():
            yield agent, "", budget
        for model, budget in self.models.items():
            yield "", model, budget

"""Named conditions about money: what agents spent, against the budgets of config/budgets.yaml."""

from collections.abc import Mapping

from alerting.conditions.freshness_guards import number, require_fresh
from alerting.conditions.named_condition import NamedCondition
from alerting.units import promql_duration
from nervesys.contract.times import DAY_SECONDS
from nervesys.metrics import SourceArea
from nervesys.settings import Settings

HOUR_SECONDS = 3600
LOGS = SourceArea("store", "logs")
COST, SPENT, LIMIT = "nervesys_agent_cost_total", "nervesys_budget_spent", "nervesys_budget_limit"
BEGIN, END = "nervesys_budget_period_start_timestamp_seconds", "nervesys_budget_period_end_timestamp_seconds"
OF_AGENTS, OF_MODELS, OF_FLEET = 'agent!=""', 'agent="",model!=""', 'agent="",model=""'
KNOWN_SHARE = 0.1
"""Share of a period that must have passed before a forecast to its end means anything."""


def _spent(settings: Settings, scope: str, by: str) -> str:
    return f"sum by ({by}) (\n  {require_fresh(settings, f'{SPENT}{{{scope}}}', LOGS)}\n)"


def _limit(scope: str, by: str) -> str:
    return f'max by ({by}) ({LIMIT}{{{scope},at="stop"}})'


def _exceeded(settings: Settings, scope: str, by: str) -> str:
    return f"({_spent(settings, scope, by)} >= on ({by}) {_limit(scope, by)})"


def _hour(settings: Settings, by: str) -> str:
    """What the last hour cost."""
    cost = f"increase({COST}[{promql_duration(HOUR_SECONDS)}])"
    return f"sum by ({by}) (\n  {require_fresh(settings, cost, LOGS)}\n)"


def _budget_spent(settings: Settings) -> str:
    """Its own budget is spent, or the fleet's, of which it has had a part, or that of a model that it used."""
    of_agent = _exceeded(settings, OF_AGENTS, "agent, period")
    of_fleet = (
        f"{_spent(settings, OF_AGENTS, 'agent, period')} > 0\nand on (period) {_exceeded(settings, OF_FLEET, 'period')}"
    )
    of_model = (
        f"{_hour(settings, 'agent, model')} > 0\nand on (model) {_exceeded(settings, OF_MODELS, 'model, period')}"
    )
    return "\nor ".join(f"max by (agent) (\n{part}\n)" for part in (of_agent, of_fleet, of_model))


def _spending_fast(settings: Settings) -> str:
    """At this pace the budget will not last, or the hour cost far more than the mean hour of the day before."""
    by, fast = "agent, period", settings.budgets.spending_fast
    length, passed = f"max by (period) ({END} - {BEGIN})", f"(time() - max by (period) ({BEGIN}))"
    forecast = f"{_spent(settings, OF_AGENTS, by)} * on (period) group_left () ({length} / {passed})"
    exceeds = f"{forecast} > on ({by}) {_limit(OF_AGENTS, by)}"
    known = f"and on (period) {passed} / {length} >= {number(KNOWN_SHARE)}"
    hour, day = _hour(settings, "agent"), promql_duration(DAY_SECONDS)
    usual = f"sum by (agent) (increase({COST}[{day}] offset {promql_duration(HOUR_SECONDS)})) / 24"
    unusual = (
        f"{hour} > {number(fast.times_usual)} * {usual}\nand on (agent) {hour} >= {number(fast.at_least)}\n"
        f"and on (agent) max by (agent) ({COST} offset {day})"
    )
    exceeded = f"max by (agent) (\n{_exceeded(settings, OF_AGENTS, by)}\n)"  # which has an alert of its own
    return f"(\nmax by (agent) (\n{exceeds}\n{known}\n)\nor (\n{unusual}\n)\n)\nunless on (agent) {exceeded}"


BUDGET_CONDITIONS: Mapping[str, NamedCondition] = {
    "budget spent": NamedCondition(("agent",), _budget_spent),
    "spending fast": NamedCondition(("agent",), _spending_fast),
}
"""By name, such as `budget spent`."""

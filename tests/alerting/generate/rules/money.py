"""When a budget is nearly spent, spent, or will be."""

from exporters.shared.costs import ORIGIN
from tests.alerting.generate.rules.agents import ALIVE, GROK
from tests.alerting.generate.rules.kit import (
    DAY,
    HOUR,
    MINUTE,
    Case,
    Fires,
    Story,
    World,
    configured,
    exporter,
    of_store,
    steady,
    step,
    then,
    until,
    watched,
)


def spent(story: Story, agent: str = "", model: str = "", period: str = "day") -> World:
    return {of_store("budget_spent", agent=agent, model=model, period=period, currency="USD"): story}


def limit(value: float, at: str, agent: str = "", model: str = "", period: str = "day") -> World:
    return {of_store("budget_limit", agent=agent, model=model, period=period, at=at): steady(value)}


def day(begin: float) -> World:
    """The current day."""
    name = "budget_period_{}_timestamp_seconds"
    return {
        of_store(name.format("start"), period="day"): steady(begin),
        of_store(name.format("end"), period="day"): steady(begin + DAY),
    }


def cost(story: Story, **labels: str) -> World:
    return {of_store("agent_cost_total", **{**GROK, "model": "grok-4", "currency": "USD", **labels}): story}


BUSY = DAY + 2 * HOUR
STOPPED = "The budget of grok is spent"

CASES = (
    Case(
        "BudgetNearlySpent",
        "of the fleet",
        ALIVE | spent(step(600, 79, 81)) | limit(80, "warn"),
        silent=(585,),
        fires=(
            Fires(
                600,
                "The fleet has spent 81.00 this day, beyond the warning of its budget",
                "warning",
                {"period": "day"},
            ),
        ),
        mended=spent(steady(0)),
    ),
    Case(
        "BudgetNearlySpent",
        "of an agent in a week",
        ALIVE | spent(steady(5), "grok", period="week") | limit(5, "warn", "grok", period="week"),
        fires=(
            Fires(
                600,
                "grok has spent 5.00 this week, beyond the warning of its budget",
                "warning",
                GROK | {"period": "week"},
            ),
        ),
    ),
    Case(
        "BudgetNearlySpent",
        "the logs are not read",
        ALIVE | exporter(ORIGIN, until(60)) | spent(steady(81)) | limit(80, "warn"),
        silent=(600,),
    ),
    Case(
        "BudgetSpent",
        "its own",
        ALIVE | spent(step(600, 9.9, 10), "grok") | limit(10, "stop", "grok"),
        silent=(585,),
        fires=(Fires(600, STOPPED, labels=GROK),),
        mended=spent(steady(0), "grok"),
    ),
    Case(
        "BudgetSpent",
        "a warning stops nobody",
        ALIVE | spent(steady(99), "grok") | limit(10, "warn", "grok"),
        silent=(600,),
    ),
    Case(
        "BudgetSpent",
        "the fleet's stops who had a part of it",
        ALIVE
        | configured("gimai")
        | spent(step(600, 90, 101))
        | spent(steady(40), "grok")
        | spent(steady(0), "gimai")
        | limit(100, "stop"),
        silent=(585,),
        fires=(Fires(600, STOPPED, labels=GROK),),
    ),
    Case(
        "BudgetSpent",
        "a model's stops who used it within the hour",
        ALIVE
        | configured("gimai")
        | spent(step(600, 90, 101), model="grok-4")
        | limit(100, "stop", model="grok-4")
        | cost(lambda t: t / 60)
        | cost(steady(7), agent="gimai"),
        silent=(585,),
        fires=(Fires(600, STOPPED, labels=GROK),),
    ),
    Case(
        "SpendingFast",
        "the forecast of the day exceeds its budget",
        ALIVE | day(-3 * HOUR) | spent(step(600, 1, 5), "grok") | limit(24, "stop", "grok"),
        silent=(585,),
        fires=(Fires(600, "grok spends unusually fast: 37.89", "warning", GROK),),
        mended=spent(steady(1), "grok"),
    ),
    Case(
        "SpendingFast",
        "an hour of ten times the usual cost",
        watched()
        | configured()
        | cost(then(DAY + 2 * HOUR, lambda t: t / HOUR, lambda t: 26 + (t - DAY - 2 * HOUR) / 90)),
        silent=(BUSY,),
        fires=(Fires(BUSY + 50 * MINUTE, "grok spends unusually fast: 33.50", "warning", GROK),),
    ),
    Case(
        "SpendingFast",
        "a budget that is spent has an alert of its own",
        watched()
        | configured()
        | cost(then(DAY + 2 * HOUR, lambda t: t / HOUR, lambda t: 26 + (t - DAY - 2 * HOUR) / 90))
        | spent(steady(50), "grok")
        | limit(50, "stop", "grok"),
        silent=(BUSY + 50 * MINUTE,),
    ),
    Case(
        "ModelWithoutPrice",
        "its tokens count for no budget",
        ALIVE | {of_store("agent_unpriced_tokens_total", **GROK, model="nobody-s"): step(600, 0, 500)},
        silent=(585,),
        fires=(Fires(630, "nobody-s has no price, and grok uses it", "info", GROK | {"model": "nobody-s"}),),
        mended={of_store("agent_unpriced_tokens_total", **GROK, model="nobody-s"): steady(500)},
        within=70 * MINUTE,
    ),
)

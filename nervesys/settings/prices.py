"""Prices of language models, for budgets, reports and dashboards: config/prices.yaml."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field

from nervesys.contract.brain import ModelUsage
from nervesys.contract.logs import TokenUsage
from nervesys.settings.section import SettingsSection

MILLION = 1_000_000
Money = Annotated[float, Field(ge=0)]


class Price(SettingsSection):
    """What a model costs from a day on.

    Attributes:
        since: first day, UTC; None for all time. Written `from`.
        input: price of a million tokens that are sent.
        output: price of a million tokens that are generated.
        cached: price of a million input tokens that were read from a cache; None for that of input.
        per_call: added for each call.
    """

    model_config = ConfigDict(populate_by_name=True)

    since: date | None = Field(default=None, alias="from")
    input: Money
    output: Money
    cached: Money | None = None
    per_call: Money = 0

    @property
    def mixed(self) -> float:
        """Of tokens of which only the sum is known: the higher price, so that a budget is not exceeded unnoticed."""
        return max(self.input, self.output)


def _as_prices(value: Any) -> Any:
    """A number is the price of input and output alike; a mapping is a price for all time."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = {"input": value, "output": value}
    return [value] if isinstance(value, dict) else value


ModelPrices = Annotated[tuple[Price, ...], BeforeValidator(_as_prices), Field(min_length=1)]


class Prices(SettingsSection):
    """config/prices.yaml, whole.

    Attributes:
        currency: of all prices, such as `USD`.
        per_million_tokens: by the model's name in the logs: a number for input and output alike, a price, or several,
            each from a day on.
    """

    currency: str = Field(min_length=1, max_length=8)
    per_million_tokens: dict[str, ModelPrices]

    def price(self, model: str, at: float) -> Price | None:
        """The price of a model at an instant, in Unix seconds; None if it has none then."""
        day = datetime.fromtimestamp(at, UTC).date()
        known = [price for price in self.per_million_tokens.get(model, ()) if price.since is None or price.since <= day]
        return max(known, key=lambda price: price.since or date.min, default=None)

    def cost_of_call(self, model: str, usage: TokenUsage, at: float, calls: float = 1) -> float | None:
        """The cost of a call, or of several of one day; None if the model has no price at that instant.

        Args:
            model: as the record names it.
            usage: tokens of the calls.
            at: Unix seconds.
            calls: how many there were.
        """
        price = self.price(model, at)
        if price is None:
            return None
        cached = price.input if price.cached is None else price.cached
        tokens = (
            usage.mixed * price.mixed + usage.input * price.input + usage.output * price.output + usage.cached * cached
        )
        return tokens / MILLION + price.per_call * calls

    def costs_of_day(self, usages: Mapping[str, ModelUsage], at: float) -> dict[str, float]:
        """The cost of a day by model, without models that have no price.

        Args:
            usages: by the model's name, as in a daily summary.
            at: start of the day, in Unix seconds.
        """
        costs = {model: self.cost_of_call(model, usage.tokens, at, usage.calls) for model, usage in usages.items()}
        return {model: cost for model, cost in costs.items() if cost is not None}

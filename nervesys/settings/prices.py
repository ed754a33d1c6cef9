"""Prices of language models, for reports and dashboards: config/prices.yaml."""

from typing import Annotated

from pydantic import Field

from nervesys.settings.section import SettingsSection

MILLION = 1_000_000


class Prices(SettingsSection):
    """config/prices.yaml, whole.

    Attributes:
        currency: of all prices, such as `USD`.
        per_million_tokens: price of a million tokens, input and output alike, by the model's name in the logs.
    """

    currency: str = Field(min_length=1, max_length=8)
    per_million_tokens: dict[str, Annotated[float, Field(ge=0)]]

    def cost(self, model: str, tokens: float) -> float | None:
        """The cost of some tokens of a model; None if the model has no price."""
        price = self.per_million_tokens.get(model)
        return None if price is None else price * tokens / MILLION

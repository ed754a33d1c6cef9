"""What tokens cost, by the prices of config/prices.yaml at the time when the pages were generated."""

import json
from collections.abc import Callable

from nervesys.settings.prices import MILLION, Prices


def cost(prices: Prices, matchers: str, used: Callable[[str], str]) -> str:
    """PromQL for what tokens cost, by model; a model without a price is left out.

    Args:
        prices: of models.
        matchers: of the agents, such as `agent="grok"`.
        used: makes matchers the PromQL for how many tokens were used.
    """
    of_models = (
        f"{price / MILLION:g} * sum by (model) ({used(f'{matchers}, model={json.dumps(model)}')})"
        for model, price in sorted(prices.per_million_tokens.items())
    )
    return " or ".join(of_models) or "vector(0)"

"""Cost of tokens, at the prices in config/prices.yaml when the pages were generated."""

import json
from collections.abc import Callable

from nervesys.settings.prices import MILLION, Prices


def cost(prices: Prices, matchers: str, used: Callable[[str], str]) -> str:
    """PromQL for the cost of tokens by model; models without a price are left out.

    Args:
        prices: of models.
        matchers: of the agents, such as `agent="grok"`.
        used: returns PromQL for the number of tokens, for matchers.
    """
    of_models = (
        f"{price / MILLION:g} * sum by (model) ({used(f'{matchers}, model={json.dumps(model)}')})"
        for model, price in sorted(prices.per_million_tokens.items())
    )
    return " or ".join(of_models) or "vector(0)"

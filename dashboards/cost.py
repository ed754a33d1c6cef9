"""What tokens cost, by the prices of config/prices.yaml at the time when the pages were generated."""

import json

from nervesys.settings.prices import MILLION, Prices

TOKENS = "nervesys_log_tokens_total"


def cost(prices: Prices, matchers: str, window: str) -> str:
    """PromQL for what the tokens of a window cost, by model; a model without a price is left out.

    Args:
        prices: of models.
        matchers: of the agents, such as `agent="grok"`.
        window: such as `$__range`.
    """
    of_models = (
        f"{price / MILLION:g} * sum by (model) (increase({TOKENS}{{{matchers}, model={json.dumps(model)}}}[{window}]))"
        for model, price in sorted(prices.per_million_tokens.items())
    )
    return " or ".join(of_models) or "vector(0)"

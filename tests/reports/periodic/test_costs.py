"""One price function: what calls cost in a report, on the page Cost, and by the daily summaries.

Covers: nervesys.settings.prices, reports.periodic.figures.
"""

import json
from dataclasses import replace
from datetime import date

import pytest

from exporters.shared.costs import COST
from exporters.shared.records import tally
from nervesys.agent.round.summary import summarise_day
from nervesys.settings.prices import Prices
from reports.periodic.facts import Facts
from reports.periodic.figures import figures
from reports.periodic.log_totals import LogTotals
from reports.periodic.period import Frequency, ReportPeriod

PRICES = Prices.model_validate(
    {
        "currency": "USD",
        "per_million_tokens": {
            "gpt-5": [
                {"input": 1.25, "output": 10, "cached": 0.125, "per_call": 0.01},
                {"from": "2026-03-10", "input": 100, "output": 800, "cached": 10, "per_call": 1},
            ],
            "grok-4": {"input": 2, "output": 6},
        },
    }
)
CALLS = (
    ("gpt-5", {"input_tokens": 900_000, "cached_tokens": 400_000, "output_tokens": 100_000}),
    ("gpt-5", {"input_tokens": 0, "output_tokens": 0}),
    ("grok-4", {"tokens_used": 500_000}),
    ("house-model", {"tokens_used": 70_000}),
)
COST_OF_DAY = (0.5 * 1.25 + 0.4 * 0.125 + 0.1 * 10 + 0.01) + 0.01 + 0.5 * 6
"""Of 9 March, by hand; a day later gpt-5 is dearer, which the newest price alone would apply to both days."""


def lines(day: str) -> list[bytes]:
    return [
        json.dumps(
            {
                "timestamp": f"{day}T12:00:00Z",
                "agent_id": "grok",
                "category": "activity",
                "metadata": {"model_version": model, **tokens},
            }
        ).encode()
        for model, tokens in CALLS
    ]


def totals(*days: str) -> LogTotals:
    found = LogTotals(PRICES)
    for day in days:
        found.add_lines(lines(day))
    return found


def facts(log_totals: LogTotals) -> Facts:
    period = ReportPeriod.containing(Frequency.DAILY, date(2026, 3, 10))
    summaries = [summarise_day("2026-03-09", lines("2026-03-09"))]
    return Facts(period, period.end, PRICES, (), (), (), (), log_totals, summaries, (), (), {})


def cost(of: Facts) -> tuple[float | None, float | None]:
    figure = next(figure for figure in figures(of) if figure.title == "Cost of tokens")
    return figure.value, figure.before


def test_report_and_exporter_agree_whatever_the_day_and_the_kind_of_token() -> None:
    both = ("2026-03-09", "2026-03-10")
    sums, _ = tally([line for day in both for line in lines(day)], None, prices=PRICES)
    exported = sum(values[0] for series, values in sums.items() if series[0] == COST.name)
    assert cost(facts(totals(*both)))[0] == pytest.approx(exported)
    assert cost(facts(totals("2026-03-09")))[0] == pytest.approx(COST_OF_DAY)


def test_the_day_before_is_priced_by_its_own_day() -> None:
    value, before = cost(facts(totals("2026-03-10")))
    assert before == pytest.approx(COST_OF_DAY)
    assert value == pytest.approx((0.5 * 100 + 0.4 * 10 + 0.1 * 800 + 1) + 1 + 0.5 * 6)


def test_what_no_price_is_known_of_is_unknown_and_never_zero() -> None:
    known = facts(totals("2026-03-10"))
    only_unpriced = LogTotals(PRICES)
    only_unpriced.add_lines(lines("2026-03-10")[-1:])
    assert cost(facts(only_unpriced))[0] is None
    assert cost(facts(LogTotals(PRICES)))[0] is None
    old = known.summaries_before[0].model_copy(update={"usage_by_model": {}})
    assert cost(replace(known, summaries_before=[old]))[1] is None, "a summary without kinds of tokens has no cost"

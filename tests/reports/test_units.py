import math

import pytest

from reports.units import MISSING, text_of

NOW = 1_750_000_000


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "short", "0"),
        (7, "none", "7"),
        (999, "short", "999"),
        (2_750_000, "short", "2.75 Mil"),
        (521_300, "short", "521 K"),
        (-1500, "short", "-1.50 K"),
        (0.956, "percentunit", "95.6%"),
        (1, "percentunit", "100%"),
        (0, "bytes", "0 B"),
        (1536, "bytes", "1.50 KiB"),
        (25_600_000, "Bps", "25.6 MB/s"),
        (0, "s", "0 s"),
        (0.0042, "s", "4.20 ms"),
        (90, "s", "1.50 mins"),
        (60, "s", "1 min"),
        (200_000, "s", "2.31 days"),
        (12, "count:/min", "12 /min"),
        (0.25, "count:/s", "0.250 /s"),
        (0.0123, "currencyUSD", "$0.0123"),
        (-12, "currencyUSD", "-$12"),
        (0.00042, "currencyUSD", "$0.000420"),
        (0, "currencyUSD", "$0"),
        (12_345, "currencyUSD", "$12.3K"),
        (12, "currency:CHF\N{NO-BREAK SPACE}", "CHF\N{NO-BREAK SPACE}12"),
        ((NOW - 200) * 1000, "dateTimeFromNow", "3 minutes ago"),
        ((NOW - 86400) * 1000, "dateTimeFromNow", "1 day ago"),
        ((NOW + 7300) * 1000, "dateTimeFromNow", "in 2 hours"),
        (NOW * 1000, "dateTimeFromNow", "just now"),
        (12.5, "parsecs", "12.5"),
        *((math.nan, unit, MISSING) for unit in ("s", "short", "percentunit", "currencyUSD", "dateTimeFromNow")),
        *((math.inf, unit, "+Inf") for unit in ("s", "bytes", "percentunit", "currencyUSD", "dateTimeFromNow")),
        (-math.inf, "s", "-Inf"),
    ],
)
def test_numbers_are_written_with_their_unit(value: float, unit: str, text: str) -> None:
    assert text_of(value, unit, NOW) == text


def test_decimals_are_applied_after_scaling_as_in_grafana() -> None:
    assert [text_of(value, "short", NOW, decimals=0) for value in (2.6, 2600)] == ["3", "3 K"]


def test_an_axis_has_no_zeros_at_the_end_of_decimals() -> None:
    assert [text_of(value, "s", NOW, trimmed=True) for value in (0.5, 90, 100)] == ["500 ms", "1.5 mins", "1.67 mins"]

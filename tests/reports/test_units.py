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
        (521_300, "short", "521 K"),
        (-1500, "short", "-1.5 K"),
        (0.956, "percentunit", "95.6%"),
        (1, "percentunit", "100%"),
        (0, "bytes", "0 B"),
        (1536, "bytes", "1.5 KiB"),
        (25_600_000, "Bps", "25.6 MB/s"),
        (0, "s", "0 s"),
        (0.0042, "s", "4.2 ms"),
        (90, "s", "1.5 min"),
        (200_000, "s", "2.31 d"),
        (12, "count:/min", "12 /min"),
        (0.25, "count:/s", "0.25 /s"),
        (0.0123, "currencyUSD", "$0.01"),
        (0.00042, "currencyUSD", "$0.00042"),
        (0, "currencyUSD", "$0"),
        (12_345, "currencyUSD", "$12.3 K"),
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


def test_decimals_bound_what_is_not_scaled() -> None:
    assert [text_of(value, "short", NOW, decimals=0) for value in (2.6, 2600)] == ["3", "2.6 K"]

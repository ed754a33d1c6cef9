import pytest

from nervesys.contract.times import seconds_of
from nervesys.queries.variables import instant_of, substitute, variables_in, windows


def test_variables_are_found_and_filled_in_every_spelling() -> None:
    text = 'x{agent=~"$agent", server="${server:regex}"}[$__rate_interval] ${other.field}'
    assert variables_in(text) == {"agent", "server", "__rate_interval", "other"}
    assert substitute(text, {"agent": "a|b", "server": "s", "__rate_interval": "4m"}) == (
        'x{agent=~"a|b", server="s"}[4m] ${other.field}'
    )


@pytest.mark.parametrize(
    ("step", "least", "rate"),
    [
        pytest.param(1, 60, "240000ms", id="a short range: four times the least step"),
        pytest.param(600, 60, "660000ms", id="a long range: no gap between two points"),
    ],
)
def test_the_rate_window_is_grafanas(step: float, least: float, rate: str) -> None:
    assert windows(step, least, span=3600)["__rate_interval"] == rate


def test_durations() -> None:
    assert [seconds_of(text) for text in ("30s", "10m", "now-6h", "250ms", "7d")] == [30, 600, 21600, 0.25, 604800]
    with pytest.raises(ValueError, match="not a duration"):
        seconds_of("soon")


def test_times_as_grafana_writes_them() -> None:
    assert [instant_of(text, 1000) for text in ("now", "now-10m", "1750000000000")] == [1000, 400, 1_750_000_000]
    with pytest.raises(ValueError, match="not a duration"):
        instant_of("yesterday", 1000)

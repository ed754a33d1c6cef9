from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from reports.scale import ticks, time_ticks

HOUR = 3600


@pytest.mark.parametrize(
    ("high", "unit", "found"),
    [
        pytest.param(1, "percentunit", [0, 0.5, 1], id="a ratio"),
        pytest.param(37, "short", [0, 10, 20, 30, 40], id="counts"),
        pytest.param(5 * 1024**2, "bytes", [0, 2 * 1024**2, 4 * 1024**2, 6 * 1024**2], id="powers of two"),
        pytest.param(200, "s", [0, 60, 120, 180, 240], id="minutes"),
        pytest.param(0.02, "s", [0, 0.005, 0.01, 0.015, 0.02], id="parts of a second"),
    ],
)
def test_values_are_round_and_enclose_the_data(high: float, unit: str, found: list[float]) -> None:
    assert ticks(0, high, unit, 4) == pytest.approx(found)


@pytest.mark.parametrize(
    ("hours", "zone", "texts"),
    [
        pytest.param(1, "UTC", ["10:30", "10:45", "11:00", "11:15"], id="quarters"),
        pytest.param(1, "Asia/Kolkata", ["16:00", "16:15", "16:30", "16:45"], id="of the reader's clock"),
        pytest.param(24, "UTC", ["12:00", "18:00", "Jun 15", "06:00"], id="midnight has a date"),
        pytest.param(24 * 30, "UTC", ["Jun 23", "Jul 07"], id="every other Monday"),
    ],
)
def test_times_are_round(hours: float, zone: str, texts: list[str]) -> None:
    start = datetime(2025, 6, 14, 10, 20, tzinfo=UTC).timestamp()
    assert [text for _, text in time_ticks(start, start + hours * HOUR, ZoneInfo(zone), 4)] == texts

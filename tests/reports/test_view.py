"""What a request asks a live page for."""

from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from starlette.requests import Request

from reports.view import RANGES, View

NOW = 1_750_003_600.0
PAGE = {"time": {"from": "now-6h", "to": "now"}, "refresh": "30s"}


def view_of(query: str = "", cookies: str = "zone=Asia/Kolkata; width=800") -> View:
    headers = [(b"cookie", cookies.encode())]
    scope: dict[str, Any] = {"type": "http", "query_string": query.encode(), "headers": headers}
    return View.of(Request(scope), PAGE, NOW)


def test_a_relative_range_stays_relative_and_refreshes() -> None:
    view = view_of()
    assert (view.start, view.end, view.range_query) == (NOW - 6 * 3600, NOW, "from=now-6h&to=now")
    assert (view.refresh_seconds, view.ranges) == (30, RANGES)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("from=1749999600000&to=1750001400000", id="milliseconds"),
        pytest.param("from=1749999600000..1750001400000", id="as one value"),
        pytest.param("from=2025-06-15T20:30&to=2025-06-15T21:00:00", id="on the reader's clock"),
        pytest.param("from=2025-06-15T15:00Z&to=2025-06-15T15:30Z", id="UTC"),
    ],
)
def test_an_absolute_range_is_shown_carried_by_links_and_does_not_move(query: str) -> None:
    view = view_of(query)
    assert (view.start, view.end) == (1_749_999_600, 1_750_001_400)
    assert view.range_query == "from=1749999600000&to=1750001400000"
    assert view.ranges[0] == ("1749999600000..1750001400000", "Jun 15, 20:30:00 to 21:00:00")
    assert view.bounds == ("2025-06-15T20:30:00", "2025-06-15T21:00:00")
    assert view.refresh_seconds == 0


def test_a_relative_range_that_is_none_of_the_choices_is_named() -> None:
    assert view_of("from=now-2d").ranges[0] == ("now-2d", "last 2d")


@pytest.mark.parametrize(("query", "seconds"), [("refresh=1m", 60), ("refresh=off", 0), ("", 30)])
def test_the_refresh_interval_can_be_chosen(query: str, seconds: float) -> None:
    view = view_of(query)
    assert view.refresh_seconds == seconds
    assert dict(view.refresh_parameter) == ({"refresh": view.refresh} if query else {})


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("refresh=often", "often: not a duration"),
        ("from=2025-13-15T20:30", "not a time such as"),
        ("from=2025-06-15T20:30&to=2025-06-15T20:00", "ends before it begins"),
        ("from=0001-01-01T00:00Z", "1970 to 9999"),
    ],
)
def test_a_wrong_parameter_is_named(query: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        view_of(query)


def test_pictures_are_sent_to_a_browser_whose_script_has_not_reported_its_width() -> None:
    assert view_of().canvas.with_svg is False
    unknown = view_of(cookies="zone=UTC").canvas
    assert (unknown.with_svg, unknown.width, unknown.zone) == (True, 1400, ZoneInfo("UTC"))
    assert str(unknown.zone) == str(UTC)

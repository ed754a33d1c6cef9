"""Maintenance windows: single ones, weekly ones, and those that cross midnight."""

from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from nervesys.settings.windows import Maintenance, SingleWindow, WeeklyWindow

PARSE = TypeAdapter(Maintenance).validate_python


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_single_window_ends_at_its_end() -> None:
    window = PARSE({"from": "2027-01-15T22:00:00Z", "until": "2027-01-15T23:00:00Z"})
    assert isinstance(window, SingleWindow)
    assert window.until(at("2027-01-15T22:00")) == at("2027-01-15T23:00")
    assert window.until(at("2027-01-15T23:00")) is None


def test_a_window_of_each_day_may_cross_midnight() -> None:
    window = PARSE({"every": "day", "at": 23 * 60 + 30, "minutes": 60})
    assert isinstance(window, WeeklyWindow)
    assert window.until(at("2027-01-16T00:15")) == at("2027-01-16T00:30")
    assert window.until(at("2027-01-16T00:30")) is None


def test_a_window_of_one_day_is_closed_on_the_others() -> None:
    window = PARSE({"every": "saturday", "at": "10:00", "minutes": 30})
    assert window.until(at("2027-01-16T10:10")) == at("2027-01-16T10:30")
    assert window.until(at("2027-01-17T10:10")) is None


def test_only_the_problems_of_the_intended_kind_are_reported() -> None:
    with pytest.raises(ValidationError) as error:
        PARSE({"every": "someday", "at": "10:00", "minutes": 30})
    assert {problem["loc"][0] for problem in error.value.errors()} == {"weekly"}

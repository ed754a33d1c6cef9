"""Instants in objects."""

from datetime import UTC, datetime

from nervesys.contract import format_time, parse_time
from tests.properties import given, st


@given(st.floats(0, 253_402_300_799))
def test_an_instant_is_written_as_datetime_does_and_read_back(seconds: float) -> None:
    text = format_time(seconds)
    assert text == datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert abs(parse_time(text) - seconds) <= 0.001

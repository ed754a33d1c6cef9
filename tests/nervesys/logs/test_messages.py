"""Messages from the records about them."""

import json
from typing import Any

import pytest

from nervesys.logs.entries import LogEntry, parse_entry
from nervesys.logs.messages import MessageFilter, message_of
from tests.nervesys.logs.fleet_logs import NOW, record


def entry(**fields: Any) -> LogEntry:
    line = record(NOW, message="hello", category="message", context={"to": "GEMINI", "thread": 7}) | fields
    return parse_entry(json.dumps(line).encode(), "srv-1", None)


def test_a_message_names_both_sides_and_its_thread() -> None:
    message = message_of(entry())
    assert message
    assert message.as_json() == {
        "at": "2026-03-20T12:00:00.000Z",
        "from": "grok",
        "to": "gemini",
        "thread": "7",
        "text": "hello",
        "server": "srv-1",
    }


def test_records_of_other_categories_are_no_messages_and_odd_ones_are_shown_as_they_are() -> None:
    assert message_of(entry(category="activity")) is None
    for context in (None, {}, {"to": ["a"]}, {"to": None}):
        message = message_of(entry(context=context))
        assert message
        assert message.recipient == ("['a']" if context == {"to": ["a"]} else "")


@pytest.mark.parametrize(
    ("wanted", "accepted"),
    [
        (MessageFilter(), True),
        (MessageFilter("grok"), True),
        (MessageFilter("gemini"), True),
        (MessageFilter("claude"), False),
        (MessageFilter("gemini", peer="grok"), True),
        (MessageFilter("grok", peer="claude"), False),
        (MessageFilter(thread="7"), True),
        (MessageFilter("grok", thread="8"), False),
    ],
)
def test_a_filter_wants_both_sides_and_the_thread(wanted: MessageFilter, accepted: bool) -> None:
    assert wanted.accepts(entry()) is accepted
    assert not wanted.accepts(entry(category="system"))

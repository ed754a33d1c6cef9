"""A line is parsed to what the model of the contract parses it to."""

import json
from typing import Any

import pytest

from nervesys.contract import LogRecord
from nervesys.errors import BadObject
from nervesys.logs.entries import parse_entry
from tests.properties import given, st

VALUES = st.none() | st.booleans() | st.integers(-5, 10**13) | st.text(max_size=5) | st.lists(st.integers(), max_size=1)
FIELDS = st.fixed_dictionaries(
    {
        "timestamp": st.sampled_from(["2026-03-20T10:00:00.5Z", "2026-03-20 10:00", "never", 1774000000, None])
        | VALUES,
        "agent_id": st.sampled_from(["grok", "GROK", "a b"]) | VALUES,
    },
    optional={
        "level": st.sampled_from(["warning", "INFO", "err", "30", 30]) | VALUES,
        "category": st.sampled_from(["errors", "Audit"]) | VALUES,
        "action": VALUES,
        "message": VALUES,
        "context": VALUES,
    },
)


def by_model(line: bytes) -> tuple[Any, ...] | None:
    try:
        record = LogRecord.parse(line)
    except BadObject:
        return None
    return record.timestamp, record.agent_id, record.level, record.category, record.action or "", record.message


@given(FIELDS)
def test_a_line_has_the_values_of_the_model(fields: dict[str, Any]) -> None:
    line = json.dumps(fields).encode()
    try:
        entry = parse_entry(line, "srv-1", None)
    except BadObject:
        assert by_model(line) is None
    else:
        assert (entry.at, entry.agent, entry.level, entry.category, entry.action, entry.message) == by_model(line)
        assert (entry.server, entry.line) == ("srv-1", line)


@pytest.mark.parametrize("line", [b"", b"[]", b"7", b"{}", b"null", b'{"timestamp": 1}', b"\xff", b"{" * 500])
def test_other_lines_are_rejected(line: bytes) -> None:
    with pytest.raises(BadObject):
        parse_entry(line, "", None)


def test_an_agent_in_the_key_wins_and_all_fields_are_there() -> None:
    line = b'\xef\xbb\xbf{"timestamp":"2026-03-20T10:00:00Z","agent_id":"KIM","context":{"a":[1]},"more":"x"}'
    entry = parse_entry(line, "srv-1", "grok")
    assert entry.agent == "grok"
    assert entry.fields["more"] == "x"
    assert entry.fields["context"] == {"a": [1]}

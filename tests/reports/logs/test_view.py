"""What a request asks for, and what is refused in words."""

import pytest

from nervesys.contract import Category, Level
from reports.logs.view import LogView

NOW = 1_774_000_000.0


def test_fields_become_conditions_and_empty_fields_none() -> None:
    view = LogView.of(
        {"agent": "GROK", "server": "Srv-1", "level": "warn", "category": "errors", "text": "a|b", "action": "x"},
        NOW,
        tasks=False,
    )
    query = view.query
    assert (query.since, query.until) == (NOW - 3600, NOW)
    assert (query.agents, query.servers) == (frozenset({"grok"}), frozenset({"srv-1"}))
    assert (query.levels, query.categories) == (frozenset({Level.WARN, Level.ERROR}), frozenset({Category.ERRORS}))
    assert query.search is not None
    assert (query.search.finds("B"), query.action, query.accepts) == (True, "x", None)
    empty = LogView.of({"agent": "", "level": "", "text": ""}, NOW, tasks=True)
    assert (empty.query.agents, empty.query.levels, empty.query.search) == (frozenset(), frozenset(), None)
    assert empty.query.accepts is not None


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"from": "yesterday"}, "not a duration"),
        ({"from": "now", "to": "now-1h"}, "ends before it begins"),
        ({"level": "loud"}, "level is one of debug, info, warn, error"),
        ({"category": "gossip"}, "category one of system"),
        ({"text": "a(b"}, "unclosed group"),
        ({"agent": "a b"}, "not a name of an agent"),
        ({"server": "../x"}, "not a name of a server"),
    ],
)
def test_a_wrong_value_is_explained(parameters: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        LogView.of(parameters, NOW, tasks=False)

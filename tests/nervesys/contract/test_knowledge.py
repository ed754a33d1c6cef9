"""What agents learned adds up to the same, in whatever order and however often it is joined, and no word is lost."""

import json
from typing import Any

import pytest

from nervesys.contract.knowledge import LEARNED, NOTHING, Knowledge, learn_value, merge, parse_contribution, parse_tree
from nervesys.errors import BadObject
from tests.properties import given, st

NOW = 1_790_000_000.0
NAMES = st.sampled_from(["a", "b", "a/b", "~", "c"])
VALUES = st.recursive(
    st.none() | st.integers(-9, 9) | st.text(max_size=3),
    lambda below: st.lists(below, max_size=2) | st.dictionaries(NAMES, below, max_size=2),
    max_leaves=4,
)
WORDS = st.builds(
    learn_value,
    st.sampled_from(["grok", "gimai"]),
    st.sampled_from(["a", "a/b", "c"]),
    VALUES,
    st.integers(0, 3).map(lambda seconds: NOW + seconds),
)


@given(st.lists(WORDS, max_size=6), st.randoms(), st.integers(0, 6))
def test_order_and_repetition_do_not_matter(words: list[Knowledge], random: Any, cut: int) -> None:
    whole = merge(words).body()
    shuffled = [*words, *words[:2]]
    random.shuffle(shuffled)
    assert merge([merge(shuffled[:cut]), merge(shuffled[cut:])]).body() == whole
    assert parse_tree(whole, NOW + 99).body() == whole, "read and written again, nothing changed"


def test_the_newest_counts_and_the_others_are_kept() -> None:
    knowledge = merge(
        [
            learn_value("grok", "deploy", {"window": "02:00", "days": ["mon"]}, NOW + 1),
            learn_value("gimai", "deploy/window", "03:00", NOW),
            learn_value("gimai", "deploy/lead", "ada", NOW),
        ]
    )
    assert knowledge.tree() == {"deploy": {"window": "02:00", "days": ["mon"], "lead": "ada"}}
    statements = json.loads(knowledge.body())[LEARNED]["/deploy/window"]
    assert {agent: statement["value"] for agent, statement in statements.items()} == {"grok": "02:00", "gimai": "03:00"}


def test_a_value_and_what_lies_below_it_do_not_live_together() -> None:
    flat, deep = learn_value("grok", "deploy", "never", NOW + 1), learn_value("gimai", "deploy/window", "03:00", NOW)
    assert merge([flat, deep]).tree() == {"deploy": "never"}
    again = learn_value("gimai", "deploy/window", "04:00", NOW + 2)
    assert merge([flat, deep, again]).tree() == {"deploy": {"window": "04:00"}}


def test_what_lay_there_before_and_what_a_person_wrote_is_kept() -> None:
    old = parse_tree(b'{"team": {"lead": "ada"}, "deploy": "old"}', NOW)
    merged = merge([old, learn_value("grok", "deploy", "new", NOW + 1)])
    assert merged.tree() == {"team": {"lead": "ada"}, "deploy": "new"}
    tree = json.loads(merged.body())
    tree["deploy"], tree["motto"] = "by hand", "calm"
    edited = merge([parse_tree(json.dumps(tree).encode(), NOW + 2), learn_value("grok", "deploy", "new", NOW + 1)])
    assert edited.tree() == {"team": {"lead": "ada"}, "deploy": "by hand", "motto": "calm"}


def test_a_clock_ahead_does_not_silence_the_others() -> None:
    ahead = learn_value("grok", "deploy", "mine", NOW + 86_400).contribution("grok")
    other = learn_value("gimai", "deploy", "newer", NOW + 10)
    assert merge([parse_contribution("grok", ahead, NOW), other]).tree() == {"deploy": "newer"}


@pytest.mark.parametrize("key", ["", "/a", "a//b", LEARNED, f"{LEARNED}/x"])
def test_a_wrong_key_is_refused(key: str) -> None:
    with pytest.raises(BadObject, match="not a key of knowledge"):
        learn_value("grok", key, 1, NOW)


@pytest.mark.parametrize("value", [float("nan"), object(), {1, 2}])
def test_what_json_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(BadObject, match="not a JSON value"):
        learn_value("grok", "a", value, NOW)


BODIES = [
    b"",
    b"[]",
    b"{",
    b"[" * 100_000,
    b'{"learned": []}',
    b'{"learned": {"a": {"value": 1, "timestamp": "2026-01-01T00:00:00Z"}}}',
    b'{"learned": {"/_learned": {"value": 1, "timestamp": "2026-01-01T00:00:00Z"}}}',
]


def test_a_wrong_statement_costs_itself_alone() -> None:
    body = b"""{"learned": {"/a": {"value": 1, "timestamp": "yesterday"},
                            "/b": {"value": null, "timestamp": "2026-01-01T00:00:00Z"}}}"""
    assert parse_contribution("grok", body, NOW).tree() == {"b": None}


@pytest.mark.parametrize("body", BODIES)
def test_an_object_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(BadObject):
        parse_contribution("grok", body, NOW)


@pytest.mark.parametrize("body", [*BODIES[:4], b'{"_learned": 1}', b'{"_learned": {"/a": {}}}'])
def test_a_tree_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(BadObject):
        parse_tree(body, NOW)


@pytest.mark.parametrize("value", ["1e999", "NaN", "[-Infinity]"])
def test_a_number_that_json_has_not_is_refused(value: str) -> None:
    statement = f'{{"value": {value}, "timestamp": "2026-01-01T00:00:00Z"}}'
    for body in (f'{{"a": {value}}}', f'{{"_learned": {{"/a": {{"grok": {statement}}}}}}}'):
        with pytest.raises(BadObject):
            parse_tree(body.encode(), NOW)
    good = '{"value": 1, "timestamp": "2026-01-01T00:00:00Z"}'
    body = f'{{"learned": {{"/a": {statement}, "/b": {good}}}}}'
    assert parse_contribution("grok", body.encode(), NOW).tree() == {"b": 1}, "it costs itself alone"


def test_surrogates_in_a_tree_are_replaced() -> None:
    body = b'{"a": "\\ud800", "_learned": {"/b": {"grok": {"value": "\xed\xa0\x80", "timestamp": 1}}}}'
    assert parse_tree(body, NOW).tree() == {"a": "\ufffd", "b": "\ufffd"}


def test_nothing_is_a_tree() -> None:
    assert NOTHING.tree() == {}

"""State, metrics and log records: what is taken, and why the rest is refused.

Covers: nervesys.contract.brain, nervesys.contract.logs, nervesys.contract.names, nervesys.contract.state.
"""

import json
from typing import Any

import pytest

from nervesys.contract import AgentState, LogRecord, ServerMetrics
from nervesys.contract.brain import DailySummary
from nervesys.contract.state import ContractObject
from nervesys.errors import BadObject, Reason
from tests.properties import given, st

STATE = {"agent_id": "grok", "status": "running", "timestamp": "2026-01-01T12:00:00Z"}
METRICS = {"server": "host-1", "timestamp": "2026-01-01T12:00:00Z"}
RECORD = {"agent_id": "grok", "timestamp": "2026-01-01T12:00:00Z"}
NOON = 1_767_268_800


def body(base: dict[str, Any], **changes: Any) -> bytes:
    return json.dumps(base | changes).encode()


def test_a_state_goes_out_as_it_came_in() -> None:
    text = (
        b'{"agent_id":"grok","instance_id":"7","server":"host-1","status":"idle","timestamp":"2026-01-01T12:00:00.000Z"'
        b',"tasks":{"completed":3.0,"failed":1.0},"tokens_used":12.0,"load_1m":0.5}'
    )
    assert AgentState.parse(text).body() == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-01-01T12:00:00Z", NOON),
        ("2026-01-01T13:00:00+01:00", NOON),
        ("2026-01-01 12:00:00", NOON),
        ("2026-01-01T12:00:00.250Z", NOON + 0.25),
        (NOON, NOON),
    ],
)
def test_instants_are_seconds_inside(text: object, seconds: float) -> None:
    assert AgentState.parse(body(STATE, timestamp=text)).timestamp == seconds


def test_names_are_compared_in_lower_case() -> None:
    state = AgentState.parse(body(STATE, agent_id="GROK", server="EU-1.Example"))
    assert (state.agent_id, state.server) == ("grok", "eu-1.example")


def test_what_agents_of_tomorrow_add_is_kept() -> None:
    metrics = ServerMetrics.parse(body(METRICS, gpu_percent=12.5))
    assert metrics.model_extra == {"gpu_percent": 12.5}


@pytest.mark.parametrize(
    ("model", "text", "reason"),
    [
        pytest.param(AgentState, b"", Reason.BAD_JSON, id="empty"),
        pytest.param(AgentState, body(STATE)[:20], Reason.BAD_JSON, id="half written"),
        pytest.param(AgentState, b"[]", Reason.BAD_JSON, id="a list"),
        pytest.param(AgentState, b'{"agent_id": "\xff"}', Reason.BAD_JSON, id="not UTF-8"),
        pytest.param(AgentState, b"{}", Reason.BAD_VALUE, id="an empty object"),
        pytest.param(AgentState, body(STATE, agent_id="a/b"), Reason.BAD_NAME, id="a name with a slash"),
        pytest.param(AgentState, body(STATE, agent_id="a\nb"), Reason.BAD_NAME, id="a name with a newline"),
        pytest.param(AgentState, body(STATE, agent_id="-a"), Reason.BAD_NAME, id="a name that begins with a hyphen"),
        pytest.param(AgentState, body(STATE, agent_id="a" * 64), Reason.BAD_NAME, id="a name of 64 characters"),
        pytest.param(
            AgentState, body(STATE, agent_id="\u0430gent"), Reason.BAD_NAME, id="a name with a Cyrillic letter"
        ),
        pytest.param(AgentState, body(STATE, server="a..b"), Reason.BAD_NAME, id="a server with an empty label"),
        pytest.param(AgentState, body(STATE, agent_id=7), Reason.BAD_VALUE, id="a number for a name"),
        pytest.param(AgentState, body(STATE, status="asleep"), Reason.BAD_VALUE, id="an unknown status"),
        pytest.param(AgentState, body(STATE, timestamp="soon"), Reason.BAD_VALUE, id="no instant"),
        pytest.param(AgentState, body(STATE, timestamp="9999-99-99T00:00:00Z"), Reason.BAD_VALUE, id="no such month"),
        pytest.param(AgentState, body(STATE, timestamp=10**400), Reason.BAD_VALUE, id="beyond all floats"),
        pytest.param(AgentState, body(STATE, timestamp=float("nan")), Reason.BAD_VALUE, id="an instant that is NaN"),
        pytest.param(AgentState, body(STATE, timestamp=-1), Reason.BAD_VALUE, id="an instant before 1970"),
        pytest.param(AgentState, body(STATE, timestamp=1e12), Reason.BAD_VALUE, id="an instant beyond the calendar"),
        pytest.param(AgentState, body(STATE, timestamp=None), Reason.BAD_VALUE, id="an instant that is null"),
        pytest.param(AgentState, body(STATE, timestamp=[]), Reason.BAD_VALUE, id="an instant that is a list"),
        pytest.param(AgentState, body(STATE, tokens_used=-1), Reason.BAD_VALUE, id="a negative count"),
        pytest.param(AgentState, body(STATE, tasks={"failed": "x"}), Reason.BAD_VALUE, id="a count that is a word"),
        pytest.param(AgentState, body(STATE, metrics=METRICS | {"server": "/"}), Reason.BAD_NAME, id="metrics within"),
        pytest.param(ServerMetrics, body(METRICS, cpu_percent=float("inf")), Reason.BAD_VALUE, id="infinite load"),
        pytest.param(ServerMetrics, body(METRICS, network_io=[1]), Reason.BAD_VALUE, id="a list for a mapping"),
        pytest.param(LogRecord, body(RECORD, message={"a": 1}), Reason.BAD_VALUE, id="a mapping for a message"),
        pytest.param(DailySummary, b'{"date": "2026-02-30"}', Reason.BAD_VALUE, id="a day that does not exist"),
    ],
)
def test_a_bad_object_says_why(model: type[ContractObject], text: bytes, reason: Reason) -> None:
    with pytest.raises(BadObject) as caught:
        model.parse(text)
    assert caught.value.reason is reason
    assert len(str(caught.value)) < 300


def test_a_bad_name_is_reported_once() -> None:
    with pytest.raises(BadObject) as caught:
        AgentState.parse(body(STATE, server="v\nm"))
    assert str(caught.value) == r"bad_name: server: not a name of a server: 'v\nm'"


@given(st.binary())
def test_no_bytes_break_the_parser(text: bytes) -> None:
    for model in (AgentState, ServerMetrics, LogRecord):
        with pytest.raises(BadObject):
            model.parse(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda below: st.lists(below, max_size=2) | st.dictionaries(st.text(max_size=5), below, max_size=2),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from([*AgentState.model_fields]), JSON, max_size=3))
def test_a_state_is_taken_whole_or_refused(changes: dict[str, Any]) -> None:
    try:
        state = AgentState.parse(body(STATE, **changes))
    except BadObject:
        return
    assert AgentState.parse(state.body()).status == state.status


@pytest.mark.parametrize(
    ("value", "level"),
    [
        ("INFO", "INFO"),
        ("info", "INFO"),
        ("Warning", "WARN"),
        ("CRITICAL", "ERROR"),
        ("FATAL", "ERROR"),
        ("TRACE", "DEBUG"),
        ("NOTICE", "INFO"),
        ("loud", "other"),
        (40, "other"),
        (None, "other"),
    ],
)
def test_levels_are_a_closed_list(value: object, level: str) -> None:
    assert LogRecord.parse(body(RECORD, level=value)).level == level


@pytest.mark.parametrize(("value", "category"), [("Errors", "errors"), ("audit", "audit"), ("gossip", "other")])
def test_categories_are_a_closed_list(value: str, category: str) -> None:
    assert LogRecord.parse(body(RECORD, category=value)).category == category


@pytest.mark.parametrize(
    ("metadata", "model", "tokens"),
    [
        ({}, None, None),
        ({"model_version": "grok-4", "tokens_used": 7}, "grok-4", 7),
        ({"gen_ai.request.model": "grok-4"}, "grok-4", None),
        ({"gen_ai.usage.input_tokens": 3, "gen_ai.usage.output_tokens": 4}, None, 7),
        ({"gen_ai.usage.output_tokens": 4}, None, 4),
        ({"tokens_used": 9, "gen_ai.usage.input_tokens": 3}, None, 9),
    ],
)
def test_genai_names_are_synonyms(metadata: dict[str, Any], model: str | None, tokens: float | None) -> None:
    parsed = LogRecord.parse(body(RECORD, metadata=metadata)).metadata
    assert (parsed.model_version, parsed.tokens) == (model, tokens)


def test_of_unknown_fields_only_a_bounded_number_of_numbers_is_kept() -> None:
    extras = {"text": "x", "list": [1], "flag": True, "huge": 1e300, "n" * 65: 1, **{f"x{at}": at for at in range(100)}}
    state = AgentState.parse(body(STATE, **extras, tasks={"completed": 1, "failed": 0, **extras}))
    assert state.model_extra == {f"x{at}": at for at in range(64)}
    assert state.tasks is not None
    assert state.tasks.model_extra == state.model_extra
    assert not state.model_fields_set & {"text", "x99"}, "names take memory too"


def test_custom_counters_are_bounded_and_only_valid_names_are_kept() -> None:
    state = AgentState.parse(body(STATE, counters={"Not a name": 1, **{f"c{at}": at for at in range(100)}}))
    assert state.counters == {f"c{at}": at for at in range(64)}


@pytest.mark.parametrize("value", [1e308, -1, "many", [7]])
def test_a_number_out_of_bounds_costs_the_field_and_not_the_record(value: object) -> None:
    record = LogRecord.parse(
        body(RECORD, metadata={"model_version": "grok-4", "tokens_used": value}, context={"duration_ms": value})
    )
    assert (record.metadata.tokens, record.context.duration_ms, record.metadata.model) == (None, None, "grok-4")


def test_a_count_larger_than_64_bits_hold_is_no_count() -> None:
    with pytest.raises(BadObject, match="tokens_used"):
        AgentState.parse(body(STATE, tokens_used=1e300))

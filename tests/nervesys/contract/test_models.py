"""State, metrics and log records: what is taken, and why the rest is refused.

Covers: nervesys.contract.brain, nervesys.contract.logs, nervesys.contract.names, nervesys.contract.objects,
nervesys.contract.state, nervesys.contract.tasks.
"""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from nervesys.contract import AgentState, LogRecord, ServerMetrics, Status
from nervesys.contract.brain import DailySummary
from nervesys.contract.objects import ContractObject
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
        ("2026-01-01t12:00:00z", NOON),
        ("2026-01-01T11:59:60Z", NOON),
        ("2026-01-01T17:30:00.123456789+05:30", NOON + 0.123456),
        (NOON, NOON),
        (NOON * 1000 + 250, NOON + 0.25),
        (str(NOON), NOON),
        (f"{NOON}250", NOON + 0.25),
    ],
)
def test_instants_are_seconds_inside(text: object, seconds: float) -> None:
    assert AgentState.parse(body(STATE, timestamp=text)).timestamp == pytest.approx(seconds, abs=1e-6)


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
        pytest.param(AgentState, body(STATE, agent_id=7), Reason.BAD_VALUE, id="a number for a name"),
        pytest.param(AgentState, body(STATE, status="asleep"), Reason.BAD_VALUE, id="an unknown status"),
        pytest.param(AgentState, body(STATE, timestamp="soon"), Reason.BAD_VALUE, id="no instant"),
        pytest.param(AgentState, body(STATE, timestamp="9999-99-99T00:00:00Z"), Reason.BAD_VALUE, id="no such month"),
        pytest.param(AgentState, body(STATE, timestamp=10**400), Reason.BAD_VALUE, id="beyond all floats"),
        pytest.param(AgentState, body(STATE, timestamp=float("nan")), Reason.BAD_VALUE, id="an instant that is NaN"),
        pytest.param(AgentState, body(STATE, timestamp=True), Reason.BAD_VALUE, id="an instant that is a switch"),
        pytest.param(AgentState, body(STATE, timestamp=-1), Reason.BAD_VALUE, id="an instant before 1970"),
        pytest.param(AgentState, body(STATE, timestamp=1e15), Reason.BAD_VALUE, id="an instant beyond the calendar"),
        pytest.param(AgentState, body(STATE, timestamp=None), Reason.BAD_VALUE, id="an instant that is null"),
        pytest.param(AgentState, body(STATE, timestamp=[]), Reason.BAD_VALUE, id="an instant that is a list"),
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
        ServerMetrics.parse(body(METRICS, server="v\nm"))
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
        (None, "INFO"),
        ("err", "ERROR"),
        ("emerg", "ERROR"),
        *((number, "DEBUG") for number in (7, 10, 20, "20", 20.0)),
        *((number, "INFO") for number in (5, 6, 30)),
        *((number, "WARN") for number in (4, 40)),
        *((number, "ERROR") for number in (0, 1, 2, 3, 50, 60)),
        (35, "other"),
        (True, "other"),
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


WRONG_FIELDS: list[tuple[type[ContractObject], dict[str, Any], str, Any]] = [
    (AgentState, STATE, "server", "a..b"),
    (AgentState, STATE, "tokens_used", -1),
    (AgentState, STATE, "tokens_used", 1e300),
    (AgentState, STATE, "tasks", 7),
    (AgentState, STATE, "metrics", METRICS | {"server": "/"}),
    (ServerMetrics, METRICS, "cpu_percent", float("inf")),
    (ServerMetrics, METRICS, "network_io", [1]),
    (LogRecord, RECORD, "message", {"a": 1}),
    (LogRecord, RECORD, "context", "x"),
]


@pytest.mark.parametrize(("model", "base", "field", "value"), WRONG_FIELDS)
def test_a_wrong_optional_field_costs_itself_alone(
    model: type[ContractObject], base: dict[str, Any], field: str, value: Any
) -> None:
    assert model.parse(body(base, **{field: value})) == model.parse(body(base))


def test_a_wrong_count_of_several_costs_itself_alone() -> None:
    state = AgentState.parse(
        body(STATE, tasks={"completed": 3, "failed": "x"}, counters={"good": 1, "bad": -1, "none": None})
    )
    assert (state.tasks and state.tasks.completed, state.counters) == (3, {"good": 1})


def test_what_is_reported_is_what_is_required() -> None:
    with pytest.raises(BadObject) as caught:
        AgentState.parse(body(STATE, server=7, tokens_used=-1, status="asleep"))
    assert str(caught.value).startswith("bad_value: status: ")


def test_own_code_is_not_pardoned() -> None:
    with pytest.raises(ValidationError):
        AgentState(agent_id="grok", status=Status.IDLE, timestamp=NOON, tokens_used=-1)


@pytest.mark.parametrize(
    ("model", "base"), [(AgentState, STATE), (ServerMetrics, METRICS), (LogRecord, RECORD)], ids=lambda it: str(it)[:30]
)
def test_null_equals_missing(model: type[ContractObject], base: dict[str, Any]) -> None:
    nulls = {name: None for name, field in model.model_fields.items() if not field.is_required()}
    parsed = model.parse(body(base, unknown=None, **nulls))
    assert parsed == model.parse(body(base))
    assert parsed.model_fields_set == set(base)


def test_of_two_names_the_one_with_a_value_counts() -> None:
    state = AgentState.parse(body(STATE, metrics=None, server_metrics=METRICS))
    assert state.metrics is not None
    metadata = {"model_version": None, "gen_ai.request.model": "grok-4"}
    assert LogRecord.parse(body(RECORD, metadata=metadata)).metadata.model == "grok-4"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (rb"a\ud800b", "a\ufffdb"),
        (rb"\udc00\ud800", "\ufffd\ufffd"),
        (rb"\ud83d\ude00", "\U0001f600"),
        (rb"\\ud800", r"\ud800"),
        (rb"\\\ud800", "\\\ufffd"),
        (b"\xed\xa0\x80", "\ufffd"),
        ("\ud55c\ud7a3".encode(), "\ud55c\ud7a3"),
    ],
)
def test_surrogates_alone_are_replaced(written: bytes, message: str) -> None:
    assert LogRecord.parse(body(RECORD)[:-1] + b', "message": "' + written + b'"}').message == message


@pytest.mark.parametrize("text", [b"\xef\xbb\xbf" + body(STATE), body(STATE) + b"\r\n"])
def test_byte_order_mark_and_carriage_return_are_no_error(text: bytes) -> None:
    assert AgentState.parse(text) == AgentState.parse(body(STATE))


def test_objects_with_the_same_fields_share_their_set_and_a_copy_has_its_own() -> None:
    first, second = (AgentState.parse(body(STATE, status=status)) for status in ("running", "idle"))
    assert first.model_fields_set is second.model_fields_set
    copy = first.model_copy(update={"server": "host-1"})
    assert "server" in copy.model_fields_set
    assert "server" not in second.model_fields_set

"""From spans to sums.

Covers: exporters.shared.spans, nervesys.contract.gen_ai, exporters.shared.counting.
"""

from typing import Any

import pytest

from exporters.shared import spans
from exporters.shared.counting import OTHER, Series
from exporters.shared.spans import ERRORS, OPERATION_DURATION, TOKENS, TOOL_CALLS, TOOL_DURATION, tally
from nervesys.contract.gen_ai import ModelCall, ToolCall, interpret
from nervesys.contract.otlp import parse_line
from nervesys.contract.otlp_names import AGENT
from nervesys.errors import Reason
from tests import otlp


def meaning(made: dict[str, Any]) -> ModelCall | ToolCall | None:
    ((_, span),) = parse_line(otlp.line(made))
    return interpret(span)


def sums_of(*made: dict[str, Any]) -> dict[Series, list[float]]:
    sums, skipped = tally([otlp.line(*made)], "grok")
    assert not skipped
    return {series: list(values) for series, values in sums.items()}


def test_a_call_adds_its_duration_tokens_and_nothing_else() -> None:
    made = otlp.chat(
        1.5,
        gen_ai__usage__input_tokens=100,
        gen_ai__usage__output_tokens=50,
        gen_ai__usage__cache_read__input_tokens=30,
        gen_ai__usage__reasoning__output_tokens=20,
    )
    sums = sums_of(made)
    assert {series[3]: values for series, values in sums.items() if series[0] == TOKENS.name} == {
        "input": [70],
        "output": [30],
        "cache_read": [30],
        "reasoning": [20],
    }
    histogram = sums[OPERATION_DURATION.name, "grok", "chat", "gpt-5"]
    assert (sum(histogram[:-1]), histogram[-1], histogram[8]) == (1, 1.5, 1)
    assert len(sums) == 5


@pytest.mark.parametrize(
    ("attributes", "operation", "tokens"),
    [
        ({"llm__request__type": "chat", "gen_ai__usage__prompt_tokens": 7}, "chat", {"input": 7}),
        ({"llm__request__type": "completion"}, "text_completion", {}),
        ({"openinference__span__kind": "LLM", "llm__token_count__completion": 9}, "chat", {"output": 9}),
        ({"gen_ai__operation__name": "invoke_agent", "gen_ai__usage__input_tokens": 7}, "invoke_agent", {}),
        (
            {"gen_ai__operation__name": "dream", "gen_ai__request__model": "m", "gen_ai__usage__input_tokens": 7},
            OTHER,
            {"input": 7},
        ),
        ({"gen_ai__request__model": "m"}, OTHER, {}),
        ({"gen_ai__operation__name": "chat", "gen_ai__usage__input_tokens": -1}, "chat", {}),
        ({"gen_ai__operation__name": "chat", "gen_ai__usage__input_tokens": 10**12}, "chat", {}),
    ],
)
def test_conventions_of_several_libraries_mean_the_same(
    attributes: dict[str, Any], operation: str, tokens: dict[str, float]
) -> None:
    call = meaning(otlp.span(**attributes))
    assert isinstance(call, ModelCall)
    assert (call.operation, call.tokens) == (operation, tokens)


@pytest.mark.parametrize(
    "attributes",
    [{}, {"http__request__method": "GET"}, {"traceloop__span__kind": "task"}, {"gen_ai__operation__name": "unknown"}],
)
def test_other_spans_are_no_calls(attributes: dict[str, Any]) -> None:
    assert meaning(otlp.span(**attributes)) is None


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        ({"error__type": "429"}, "rate_limited"),
        ({"error__type": "RateLimitError"}, "rate_limited"),
        ({"failed": "Error code: 429 - slow down"}, "rate_limited"),
        ({"failed": "", "exception": ("openai.APITimeoutError", "Request timed out.")}, "timeout"),
        ({"failed": "", "exception": ("BadRequestError", "caught by the content filter")}, "content_filter"),
        ({"failed": "", "exception": ("BadRequestError", "timeout is no number")}, "invalid_request"),
        ({"gen_ai__response__finish_reasons": ["content_filter"]}, "content_filter"),
        ({"failed": "x", "http__response__status_code": 503}, "server_error"),
        ({"failed": "x", "http__response__status_code": 401}, "authentication"),
        ({"failed": "x", "exception": ("APIConnectionError", "")}, "connection"),
        ({"failed": "something"}, "other"),
        ({"gen_ai__response__finish_reasons": ["stop"]}, None),
        ({}, None),
    ],
)
def test_errors_are_counted_by_kind(made: dict[str, Any], kind: str | None) -> None:
    call = meaning(otlp.chat(**made))
    assert isinstance(call, ModelCall)
    assert call.error == kind


def test_a_tool_is_counted_by_outcome_and_not_as_a_model() -> None:
    sums = sums_of(
        otlp.span(0.5, gen_ai__operation__name="execute_tool", gen_ai__tool__name="search"),
        otlp.span(0.5, gen_ai__operation__name="execute_tool", gen_ai__tool__name="search", failed="no"),
        otlp.span(0.5, name="execute_tool read", gen_ai__operation__name="execute_tool"),
    )
    assert {series[2:]: values[0] for series, values in sums.items() if series[0] == TOOL_CALLS.name} == {
        ("search", "completed"): 1,
        ("search", "failed"): 1,
        ("read", "completed"): 1,
    }
    assert sums[TOOL_DURATION.name, "grok", "search"][-1] == 1


def test_a_call_that_two_libraries_report_counts_once() -> None:
    inner = otlp.chat(identity="aa", parent="bb", gen_ai__usage__input_tokens=5)
    outer = otlp.chat(identity="bb", gen_ai__usage__input_tokens=5)
    sums = sums_of(inner, outer)
    assert sums[TOKENS.name, "grok", "gpt-5", "input"] == [5]
    assert sum(sums[OPERATION_DURATION.name, "grok", "chat", "gpt-5"][:-1]) == 1


def test_an_error_is_counted_with_its_kind() -> None:
    assert sums_of(otlp.chat(error__type="429"))[ERRORS.name, "grok", "chat", "gpt-5", "rate_limited"] == [1]


def test_without_an_agent_in_the_key_the_resource_names_it() -> None:
    made = [
        otlp.line(otlp.chat(), **{AGENT: "Grok"}),
        otlp.line(otlp.chat(), **{AGENT: "stranger"}),
        otlp.line(otlp.chat()),
    ]
    sums, _ = tally(made, None, lambda name: name == "grok")
    assert {series[1]: sum(values[:-1]) for series, values in sums.items()} == {"grok": 1, OTHER: 2}


def test_a_bad_line_costs_itself_alone() -> None:
    sums, skipped = tally([b"{\n", b"\n", otlp.line(otlp.chat()), b'{"resourceSpans": 1}\n'], "grok")
    assert skipped == {Reason.BAD_JSON: 1, Reason.BAD_VALUE: 1}
    assert len(sums) == 1


def test_the_series_of_one_object_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "MAX_SERIES", 3)
    sums = sums_of(*(otlp.chat(model=f"m{number}") for number in range(9)))
    assert {series[3] for series in sums} == {"m0", "m1", "m2", OTHER}

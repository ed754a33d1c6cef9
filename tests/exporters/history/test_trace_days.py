"""A day of traces, in steps."""

from datetime import date

from exporters.history.days import STEP_SECONDS, STEPS
from exporters.history.trace_days import sum_up_traces
from exporters.shared.counting import OTHER
from exporters.shared.spans import MAX_MODELS, OPERATION_DURATION, TOKENS
from nervesys.contract.otlp_names import AGENT
from nervesys.contract.times import parse_time
from nervesys.errors import Reason
from tests import otlp

DAY = date(2026, 1, 12)
MIDNIGHT = parse_time("2026-01-12T00:00:00Z")
SERIES = (TOKENS.name, "grok", "gpt-5", "input")


def line(*offsets: float, agent: str = "grok") -> bytes:
    calls = (otlp.chat(begin=MIDNIGHT + offset, gen_ai__usage__input_tokens=5) for offset in offsets)
    return otlp.line(*calls, **{AGENT: agent}).rstrip()


def test_a_call_counts_in_the_step_in_which_it_ended() -> None:
    total = sum_up_traces([[line(0, STEP_SECONDS, STEP_SECONDS - 0.5), line(-60, 2 * 86_400)], [b""]], DAY)
    assert total.sums[SERIES] == {0: [10], 1: [10], STEPS - 1: [5]}
    assert sum(total.sums[OPERATION_DURATION.name, "grok", "chat", "gpt-5"][0][:-1]) == 2
    assert (total.lines, total.records, total.skipped) == (3, 5, {})


def test_what_was_added_up_before_is_left_out_and_a_bad_line_costs_itself() -> None:
    total = sum_up_traces([[line(0), b"{"], [line(0, agent="No Name"), line(0)]], DAY, skip=1)
    assert total.sums[SERIES] == {0: [5]}
    assert total.skipped == {Reason.BAD_JSON: 1, Reason.BAD_NAME: 1}


def test_models_are_bounded_as_live() -> None:
    calls = [otlp.chat(model=f"m{number}", begin=MIDNIGHT, gen_ai__usage__input_tokens=1) for number in range(99)]
    sums = sum_up_traces([[otlp.line(*calls, **{AGENT: "grok"})]], DAY).sums
    assert len(sums) == 2 * (MAX_MODELS + 1)
    assert sums[TOKENS.name, "grok", OTHER, "input"] == {0: [99 - MAX_MODELS]}

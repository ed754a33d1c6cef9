"""What spans show of an agent's work: tokens and cost, the running task and its steps, tool calls that repeat.

Covers: nervesys.agent.telemetry.span_observer, nervesys.agent.telemetry.span_tasks,
nervesys.agent.telemetry.span_sinks.
"""

import dataclasses
import errno
import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from opentelemetry.sdk.trace import TracerProvider

from exporters.shared import costs, records
from nervesys.agent import Agent
from nervesys.agent.logs.handler import LoggedRecord
from nervesys.agent.telemetry.providers import RunningSpans
from nervesys.agent.telemetry.requests import Form, parse_request
from nervesys.agent.telemetry.span_observer import SpanObserver
from nervesys.agent.telemetry.span_sinks import SpanSinks
from nervesys.agent.telemetry.span_tasks import LOST_SECONDS, RunningSpan, SpanTasks
from nervesys.agent.work import Task, Work
from nervesys.contract.otlp import parse_line, values_of
from nervesys.contract.otlp_names import Signal
from nervesys.contract.times import DAY_SECONDS
from nervesys.settings.prices import Prices
from tests import otlp

Make = Callable[[], Agent]
BEGIN = 1_800_000_000.0
LOCAL, REMOTE = {"flags": 0x100}, {"flags": 0x300}
USED: dict[str, Any] = {"gen_ai__usage__input_tokens": 100, "gen_ai__usage__output_tokens": 20}


@dataclass
class Observed:
    """An observer whose sinks are remembered."""

    now: float = BEGIN + 100
    logged: list[LoggedRecord] = field(default_factory=list)
    ended: list[tuple[str, float, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.work = Work(clock=lambda: self.now)
        sinks = SpanSinks(self.work, self.logged.append, self._end)
        self.tasks = SpanTasks("grok", sinks, lambda: self.now)
        self.observer = SpanObserver("agents.grok", sinks, self.tasks, lambda: self.now)

    def _end(self, task: Task, seconds: float, error: Exception | None) -> None:
        self.work.end(task, error)
        self.ended.append((task.action, seconds, error is not None))

    def see(self, *spans: dict[str, Any]) -> None:
        self.observer.observe(otlp.line(*spans))

    @property
    def current(self) -> tuple[str | None, str | None] | None:
        task = self.work.snapshot().current
        return None if task is None else (task.name, task.step)


def tool(name: str = "search", *, flags: dict[str, int] = LOCAL, **attributes: Any) -> dict[str, Any]:
    given = {"gen_ai__operation__name": "execute_tool", "gen_ai__tool__name": name, **attributes}
    return otlp.span(1, name=f"execute_tool {name}", parent="1" * 16, **given) | flags


def root(seconds: float = 5, **attributes: Any) -> dict[str, Any]:
    return otlp.span(seconds, name="POST /review", identity="1" * 16, **attributes)


def test_a_call_with_tokens_is_logged_once_with_the_model_and_the_ids_of_its_span() -> None:
    seen = Observed()
    inner = otlp.chat(2, parent="2" * 16, gen_ai__usage__cache_read__input_tokens=30, **USED)
    seen.see(inner, otlp.chat(3, **USED) | {"spanId": "2" * 16}, otlp.chat())
    (record,) = seen.logged
    assert (record.at, record.action, record.message) == (BEGIN + 2, "chat", "chat gpt-5")
    metadata = {"model_version": "gpt-5", "input_tokens": 100, "output_tokens": 20, "cached_tokens": 30}
    assert json.loads(record.metadata or "") == metadata
    assert json.loads(record.context or "") == {"trace_id": otlp.TRACE, "span_id": inner["spanId"]}
    assert seen.work.snapshot().tokens == 120


def test_where_only_the_outer_of_two_spans_has_tokens_they_count() -> None:
    seen = Observed()
    seen.see(otlp.chat(parent="2" * 16), otlp.chat(3, **USED) | {"spanId": "2" * 16})
    assert (len(seen.logged), seen.work.snapshot().tokens) == (1, 120)


def test_a_span_that_is_sent_again_counts_once() -> None:
    seen = Observed()
    call = otlp.chat(**USED)
    seen.see(call)
    seen.see(call)
    assert (len(seen.logged), seen.work.snapshot().tokens) == (1, 120)


def test_a_span_of_an_unknown_operation_repeats_the_tokens_of_the_call_within_it() -> None:
    seen = Observed()
    outer = otlp.span(3, identity="2" * 16, gen_ai__request__model="gpt-5", **USED)
    seen.see(otlp.chat(parent="2" * 16, **USED), outer)
    assert (len(seen.logged), seen.work.snapshot().tokens) == (1, 120)


@pytest.mark.parametrize("begin", [0.0, BEGIN + 1e8])
def test_a_span_with_a_wrong_clock_counts_now_so_that_the_log_counts_again_later(begin: float) -> None:
    seen = Observed()
    seen.see(otlp.chat(begin=begin, **USED))
    assert [record.at for record in seen.logged] == [seen.now]
    used = {"tokens_used": 1}
    assert "tokens_used" not in seen.work.usage.of_record(seen.now + 1, used)
    assert "tokens_used" in seen.work.usage.of_record(seen.now + 2 * DAY_SECONDS, used)


def test_a_span_whose_parent_is_local_shows_a_running_task_until_its_root_arrives() -> None:
    seen = Observed()
    seen.see(otlp.chat(parent="1" * 16, gen_ai__agent__name="researcher", **USED) | LOCAL)
    assert seen.current == ("researcher", "chat gpt-5")
    assert seen.logged[0].action == "researcher"
    seen.see(tool(nervesys__task__step="search the web", nervesys__task__progress=0.5))
    assert seen.current == ("researcher", "search the web")
    seen.see(otlp.span(name="unrelated", trace="f" * 32))
    assert seen.ended == []
    seen.see(root(5, failed="no"))
    assert seen.ended == [("researcher", 5.0, True)]
    seen.see(tool())
    assert seen.current is None, "a late span begins nothing"


def test_without_flags_a_trace_is_a_task_only_once_its_root_has_ended() -> None:
    seen = Observed()
    seen.see(tool(flags={}))
    assert seen.current is None
    seen.see(root())
    assert seen.ended == [("POST /review", 5.0, False)]
    agent = otlp.span(3, name="invoke_agent a", parent="1" * 16, gen_ai__operation__name="invoke_agent")
    seen.see(agent | REMOTE | {"traceId": "e" * 32})
    assert seen.ended[1:] == [("invoke_agent a", 3.0, False)], "its caller is another program"


def test_a_running_trace_has_the_name_of_the_root_before_it() -> None:
    seen = Observed()
    seen.see(tool(), root())
    seen.see(tool() | {"traceId": "e" * 32})
    assert seen.work.action == "POST /review"


def test_a_program_that_only_exports_spans_has_a_running_task_tokens_and_cost(grok: Make, bucket: Path) -> None:
    with grok() as agent, agent.listen_for_telemetry() as variables:

        def export(*spans: dict[str, Any]) -> None:
            body = json.dumps(otlp.request(*spans)).encode()
            url = f"{variables['OTEL_EXPORTER_OTLP_ENDPOINT']}/v1/traces"
            urlopen(Request(url, body, {"content-type": "application/json"}), timeout=10).close()

        asked: dict[str, Any] = {"gen_ai__tool__call__arguments": '{"query": "the same"}'}
        export(*(tool(**asked) for _ in range(3)), otlp.chat(parent="1" * 16, **USED) | LOCAL)
        done = agent.work.snapshot()
        assert done.current is not None
        assert (done.current.name, done.current.step, done.tokens) == ("grok", "chat gpt-5", 120)
        assert (done.repeated and done.repeated.times, done.progressed_at is not None) == (3, True)
        export(root())
        assert agent.work.snapshot().tasks.completed == 1
    logged = [json.loads(line) for line in lines(bucket, "active_logs")]
    [call] = [record for record in logged if "input_tokens" in record.get("metadata", {})]
    assert (call["action"], call["metadata"]["input_tokens"]) == ("grok", 100)
    [task] = [record for record in logged if "duration_ms" in record.get("context", {})]
    assert (task["action"], task["context"]["duration_ms"]) == ("POST /review", 5000)
    assert b"the same" not in b"".join(lines(bucket, "traces"))


def test_one_call_by_itself_is_no_task() -> None:
    seen = Observed()
    seen.see(otlp.chat(failed="429", **USED), tool(flags=REMOTE))
    outer = RunningSpan(otlp.TRACE, "1" * 16, "chat", BEGIN, True, {"gen_ai.operation.name": "chat"})
    seen.tasks.begin(outer)
    seen.tasks.end(outer, failed=True)
    assert (seen.ended, seen.work.snapshot().current) == ([], None)


def test_real_instrumentations_show_tasks_and_tokens() -> None:
    recorded = Path(__file__).with_name("recorded")
    found = {}
    for name in ("agent_openai", "chat_openai", "chat_anthropic", "node_openai"):
        seen = Observed()
        for line in (recorded / f"{name}.jsonl").read_bytes().splitlines():
            seen.observer.observe(line)
        found[name] = [name for name, _, _ in seen.ended], len(seen.logged), seen.work.snapshot().tokens
    assert found == {
        "agent_openai": (["Agent workflow"], 2, 240),
        "chat_openai": ([], 1, 120),
        "chat_anthropic": ([], 1, 120),
        "node_openai": ([], 1, 120),
    }


def test_an_author_who_reports_tasks_gets_none_from_traces() -> None:
    seen = Observed()
    seen.see(tool())
    task = Task("review")
    seen.work.begin(task)
    seen.see(tool())
    assert seen.work.action == "review"
    seen.work.end(task, None)
    seen.see(root())
    assert seen.work.action is None
    assert seen.ended == []


def test_a_trace_whose_root_is_lost_is_given_up_once_another_one_ends() -> None:
    seen = Observed()
    seen.see(tool())
    seen.now += LOST_SECONDS + 1
    seen.see(tool() | {"traceId": "e" * 32}, root() | {"traceId": "e" * 32})
    assert (seen.current, len(seen.ended)) == (None, 1)


def test_a_span_of_this_process_is_a_task_from_its_begin_on() -> None:
    seen = Observed()
    seen.tasks.sees_begins = True
    attributes = {"nervesys.task.name": "review", "nervesys.task.id": "7", "nervesys.task.limit_seconds": 60}
    outer = RunningSpan(otlp.TRACE, "1" * 16, "main", BEGIN + 90, True, attributes)
    inner = RunningSpan(
        otlp.TRACE, "2" * 16, "execute_tool search", BEGIN + 95, False, {"gen_ai.operation.name": "execute_tool"}
    )
    seen.tasks.begin(outer)
    seen.tasks.begin(inner)
    task = seen.work.snapshot().current
    assert task is not None
    assert (task.id, task.name, task.step) == ("7", "review", "execute_tool search")
    assert (task.started_at, task.limit_seconds) == (BEGIN + 90, 60)
    seen.tasks.end(inner, failed=False)
    seen.tasks.end(outer, failed=False)
    assert seen.ended == [("review", 10.0, False)]


def test_a_trace_of_this_process_is_followed_however_long_its_last_call_takes() -> None:
    seen = Observed()
    seen.tasks.sees_begins = True
    call = {"gen_ai.operation.name": "execute_tool"}
    roots = [RunningSpan(trace * 32, "1" * 16, f"review {trace}", seen.now, True, {}) for trace in "ab"]
    for outer in roots:
        seen.tasks.begin(outer)
        seen.tasks.begin(RunningSpan(outer.trace_id, "2" * 16, "execute_tool build", seen.now, False, call))
    seen.now += LOST_SECONDS + 1
    for outer in reversed(roots):
        seen.tasks.end(outer, failed=False)
    assert [action for action, _, _ in seen.ended] == ["review b", "review a"]


def test_the_same_tool_call_again_and_again_is_a_loop_whatever_lies_between() -> None:
    seen = Observed()
    for number in range(3):
        seen.work.report(step="ask", details={"question": number})
        seen.see(tool(nervesys__arguments_hash="abc"), otlp.chat(**USED))
    repeated = seen.work.snapshot().repeated
    assert repeated is not None
    assert (repeated.action, repeated.times) == ("execute_tool search", 3)
    seen.see(tool(nervesys__arguments_hash="def"), tool())
    assert (repeated := seen.work.snapshot().repeated) is not None
    assert repeated.times == 1


PRICES = Prices.model_validate(
    {
        "currency": "USD",
        "per_million_tokens": {"gpt-5": {"input": 1.25, "output": 10, "cached": 0.13, "per_call": 0.01}},
    }
)


@pytest.fixture
def shipped(grok: Make, bucket: Path) -> Path:
    """An agent that reports each call by a span and a log record, and one call by its log only."""
    now = datetime.now(UTC).timestamp()
    with grok() as agent:
        intake = agent._telemetry.open().intake
        with agent.task("before") as task:
            task.tokens, task.model = 1000, "gpt-5"
        for number in range(7):
            with agent.task("review", file=str(number)) as task:
                used: dict[str, Any] = {
                    "gen_ai__usage__input_tokens": 1000 + number,
                    "gen_ai__usage__output_tokens": 100 * number,
                }
                call = otlp.chat(begin=datetime.now(UTC).timestamp(), gen_ai__usage__cache_read__input_tokens=9, **used)
                body = json.dumps(otlp.request(call)).encode()
                intake.accept(Signal.TRACES, parse_request(body, Signal.TRACES, Form.JSON, ""))
                task.tokens, task.model = 1000 + 101 * number, "gpt-5"
        late = otlp.chat(begin=now - 60, gen_ai__usage__input_tokens=5000)  # the record of `before` counted it
        body = json.dumps(otlp.request(late)).encode()
        intake.accept(Signal.TRACES, parse_request(body, Signal.TRACES, Form.JSON, ""))
    return bucket


def lines(bucket: Path, area: str) -> Iterator[bytes]:
    for file in sorted(bucket.glob(f"db/{area}/host-1/*/*.jsonl.gz")):
        yield from gzip.decompress(file.read_bytes()).splitlines()


def test_the_cost_of_a_day_is_that_of_its_raw_logs_and_spans_to_the_cent(shipped: Path) -> None:
    sums, skipped = records.tally(lines(shipped, "active_logs"), "grok", prices=PRICES)
    counted = sums[costs.COST.name, "grok", "gpt-5", "USD"][0]
    spans = [values_of(span.attributes) for line in lines(shipped, "traces") for _, span in parse_line(line)]
    expected: Decimal = Decimal(1000) * 10 / 1_000_000 + Decimal("0.01")  # of the log alone; the dearer price
    for values in spans:
        used: dict[str, Decimal] = {name: Decimal(str(values.get(f"gen_ai.usage.{name}", 0))) for name in NAMES}
        if used["input_tokens"] == 5000:
            continue
        plain = used["input_tokens"] - used["cache_read.input_tokens"]
        tokens = (
            plain * Decimal("1.25") + used["cache_read.input_tokens"] * Decimal("0.13") + used["output_tokens"] * 10
        )
        expected += tokens / 1_000_000 + Decimal("0.01")
    assert (len(spans), skipped) == (8, Counter())
    assert round(Decimal(counted), 9) == round(expected, 9)
    days = {series[3:]: sum_[0] for series, sum_ in sums.items() if series[0] == costs.OF_PERIOD.name}
    assert round(sum(cost for (period, _), cost in days.items() if period == "day"), 9) == round(counted, 9)
    assert sums[records.TOKENS.name, "grok", "gpt-5"][0] == 1000 + sum(1000 + 101 * number for number in range(7))


NAMES = ("input_tokens", "output_tokens", "cache_read.input_tokens")


def test_the_state_has_each_token_once(grok: Make) -> None:
    with grok() as agent:
        intake = agent._telemetry.open().intake
        with agent.task("review") as task:
            body = json.dumps(otlp.request(otlp.chat(**USED))).encode()
            intake.accept(Signal.TRACES, parse_request(body, Signal.TRACES, Form.JSON, ""))
            task.tokens = 120
        assert agent.work.snapshot().tokens == 120


def test_an_error_while_a_span_is_followed_is_logged_and_not_raised_where_the_span_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    seen = Observed()
    seen.tasks._sinks = dataclasses.replace(seen.tasks._sinks, end_task=full)
    tracers = TracerProvider()
    tracers.add_span_processor(RunningSpans(seen.tasks))
    with tracers.get_tracer("test").start_as_current_span("review", attributes={"nervesys.task.name": "review"}):
        assert seen.work.snapshot().current
    assert "follow the end of a span" in caplog.text

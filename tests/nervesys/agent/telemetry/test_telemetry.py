"""OpenTelemetry of an agent, from its program to the store; and what is left of it after a crash.

Covers: nervesys.agent.telemetry.telemetry, nervesys.agent.telemetry.optional, nervesys.agent.telemetry.providers,
nervesys.agent.demo_spans.
"""

import gzip
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nervesys.agent import Agent
from nervesys.agent.logs.buffer_file import Reserve
from nervesys.agent.telemetry.intake import Refused
from nervesys.agent.telemetry.listener import ENDPOINT
from nervesys.agent.telemetry.requests import Form, parse_request
from nervesys.agent.wrapped_process import WrappedProgram
from nervesys.contract.otlp import Span, parse_line
from nervesys.contract.otlp_names import Signal
from nervesys.errors import NervesysError
from tests import otlp
from tests.nervesys.agent.fleet import Fleet, running, until

SENDER = """
import json, os, sys, time, urllib.request
for number in range(int(sys.argv[1])):
    span = {"name": f"span-{number}", "traceId": "0" * 31 + "1", "spanId": "0" * 15 + "1"}
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    url = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/v1/traces"
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    urllib.request.urlopen(request, timeout=5).close()
    print(number, flush=True)
    time.sleep(0.01)
"""
"""A program that sends spans one by one, and prints which were accepted."""
PROGRAM = """
import sys, logging
from opentelemetry import trace, metrics
from nervesys.agent import Agent
with Agent("grok", otel=True) as agent:
    with trace.get_tracer("mine").start_as_current_span("outer", attributes={"gen_ai.input.messages": "secret prompt"}):
        pass
    metrics.get_meter("mine").create_counter("calls").add(3)
"""
Make = Callable[[], Agent]


def spans(bucket: Path) -> list[Span]:
    return [span for line in lines(bucket) for _, span in parse_line(line)]


def lines(bucket: Path) -> list[bytes]:
    files = sorted(bucket.glob("db/traces/host-1/*/*_grok_*.jsonl.gz"))
    return [line for file in files for line in gzip.decompress(file.read_bytes()).splitlines()]


@pytest.fixture(autouse=True)
def _no_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENDPOINT, raising=False)


def test_what_a_wrapped_program_sends_is_shipped(grok: Make, bucket: Path) -> None:
    with grok() as agent:
        WrappedProgram([sys.executable, "-c", SENDER, "3"]).run(agent)
    assert [span.name for span in spans(bucket)] == ["span-0", "span-1", "span-2"]
    assert json.loads(lines(bucket)[0])["resourceSpans"][0]["resource"]["attributes"][-1] == {
        "key": "nervesys.agent",
        "value": {"stringValue": "grok"},
    }


@pytest.mark.parametrize("setting", ["false", "true"])
def test_the_settings_decide_whether_it_listens(grok: Make, brain: Path, setting: str) -> None:
    file = brain / "config/agents/grok.yaml"
    file.write_text(f"agent: {{name: grok, telemetry: {{enabled: {setting}}}}}")
    with grok() as agent, agent.listen_for_telemetry() as variables:
        assert (ENDPOINT in variables) == (setting == "true")


def test_without_the_packages_a_program_runs_all_the_same(
    grok: Make, bucket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "nervesys.agent.telemetry.telemetry", None)
    with grok() as agent, agent.listen_for_telemetry() as variables:
        assert variables == {}


def test_an_endpoint_that_the_program_has_already_is_kept(grok: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINT, "http://collector:4318")
    with grok() as agent, agent.listen_for_telemetry() as variables:
        assert variables == {}


def test_a_missing_package_is_an_error_with_its_remedy(
    tmp_path: Path, brain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "nervesys.agent.telemetry.telemetry", None)
    with pytest.raises(NervesysError, match=r"pip install 'nervesys-observability\[otel\]'"):
        Agent("grok", home=str(tmp_path / "home"), brain=str(brain), environ={}, otel=True)


def test_a_full_disk_refuses_and_accepts_again_once_there_is_room(
    grok: Make, bucket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = parse_request(json.dumps(otlp.request(otlp.chat())).encode(), Signal.TRACES, Form.JSON, "")
    with grok() as agent:
        intake = agent._telemetry.open().intake
        with monkeypatch.context() as full:
            full.setattr(Reserve, "allocate", lambda _: False)
            intake.accept(Signal.TRACES, request)
            until(lambda: agent._telemetry.loops[1].last_error is not None)
            with pytest.raises(Refused, match="disk"):
                intake.accept(Signal.TRACES, request)
        until(lambda: agent._telemetry.loops[1].last_error is None)
        intake.accept(Signal.TRACES, request)
    assert len(spans(bucket)) == 2


def test_a_kill_loses_at_most_the_last_second_and_the_rest_is_shipped_by_the_next_start(fleet: Fleet) -> None:
    with fleet.agent("--exec", "--", sys.executable, "-c", SENDER, "10000") as process:  # the store is away
        home = Path(fleet.variables["NERVESYS_HOME"])
        buffer = home / "agents/grok/traces.sqlite3"
        until(lambda: _stored(buffer) >= 20)
        stored = _stored(buffer)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    accepted = _accepted(home)
    with fleet.store(), fleet.agent("--exec", "--", sys.executable, "-c", SENDER, "1") as again:
        assert again.wait(30) == 0
    names = [span.name for span in spans(fleet.bucket)]
    assert names[:-1] == [f"span-{number}" for number in range(len(names) - 1)], "none is lost, none is twice"
    assert len(names) - 1 >= stored
    assert accepted - (len(names) - 1) <= 100, "a second of a hundred spans a second"


def _stored(buffer: Path) -> int:
    if not buffer.exists():
        return 0
    with sqlite3.connect(f"file:{buffer}?mode=ro", uri=True) as db:
        try:
            (count,) = db.execute("SELECT count(*) FROM runs").fetchone()
        except sqlite3.OperationalError:  # not made yet
            return 0
    return int(count)


def _accepted(home: Path) -> int:
    """How many spans the program had an answer for, as far as its output was written down."""
    with sqlite3.connect(f"file:{home}/agents/grok/buffer.sqlite3?mode=ro", uri=True) as db:
        logged = b"".join(row[0] for row in db.execute("SELECT lines FROM runs ORDER BY id"))
    numbers = [json.loads(line)["message"] for line in logged.splitlines()]
    return max((int(number) for number in numbers if number.isdecimal()), default=-1) + 1


def test_the_sdk_of_a_python_program_writes_to_the_same_buffer(fleet: Fleet) -> None:
    with fleet.store(), running(sys.executable, "-c", PROGRAM, **fleet.variables) as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output.decode()
    assert [span.name for span in spans(fleet.bucket)] == ["outer"]
    shipped = b"".join(lines(fleet.bucket))
    assert b'"name":"calls"' in shipped
    assert b"secret prompt" not in shipped


def test_simulated_work_has_spans_of_the_agent_its_model_and_its_tools(fleet: Fleet, brain: Path) -> None:
    with fleet.store(), fleet.agent("--demo") as process:
        until(lambda: _stored(Path(fleet.variables["NERVESYS_HOME"]) / "agents/grok/traces.sqlite3"))
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    names = {span.name for span in spans(fleet.bucket)}
    assert names >= {"execute_tool read_repository"}
    assert names <= {"execute_tool read_repository", "execute_tool push_changes", "chat grok-4", "invoke_agent grok"}

"""Triage of a running agent's errors over HTTP; a local server answers in place of the model.

Covers: nervesys.analysis.alert.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from nervesys.agent import Agent, background_loops
from nervesys.agent.anomaly import AnomalyScorer
from nervesys.contract import LogRecord
from tests.nervesys.agent.test_agent import logs, until
from tests.servers.model import TOKENS, ModelServer, model_server

CRITICAL = '{"severity": "critical", "reason": "its disk is full"}'


@pytest.fixture
def model(brain: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """A model that the brain names."""
    monkeypatch.setattr(background_loops, "TRIAGE_SECONDS", 0.05)
    with model_server() as server:
        cloud = f"alibaba_cloud: {{enabled: true, base_url: '{server.url}', api_key: null, timeout_seconds: 2}}"
        (brain / "config/alibaba.yaml").write_text(cloud)
        yield server


@pytest.fixture
def posts(brain: Path) -> Iterator[list[dict[str, Any]]]:
    """What is posted to Alertmanager; a real one is asked in tests of its client."""
    taken: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        where = f"listen: {{alertmanager: '127.0.0.1:{server.server_port}'}}"
        (brain / "config/monitoring.yaml").write_text(where)
        yield taken
        server.shutdown()


def verdicts(bucket: Path) -> list[LogRecord]:
    return [record for record in logs(bucket) if record.action == "error_analysis"]


def fail(agent: Agent, text: str) -> None:
    with suppress(OSError), agent.task("code_review"):
        raise OSError(text)


def test_a_critical_error_is_posted_at_once_and_the_verdict_is_archived_with_it(
    grok: Callable[[], Agent], model: ModelServer, posts: list[dict[str, Any]], bucket: Path
) -> None:
    model.content = CRITICAL
    with grok() as agent:
        for attempt in range(100):
            fail(agent, f"no space left for batch {attempt}, password=hunter2hunter2")
        until(lambda: bool(posts))
    assert posts[0]["labels"] == {"alertname": "JudgedCritical", "severity": "critical", "agent": "grok"}
    assert posts[0]["annotations"]["description"] == "its disk is full"
    assert len(model.asked) == 1
    assert "hunter2" not in json.dumps(model.asked)
    (verdict,) = verdicts(bucket)
    assert verdict.message == "code_review is critical: its disk is full"
    assert verdict.metadata.tokens == TOKENS


def test_a_normal_error_is_archived_without_an_alert(
    grok: Callable[[], Agent],
    model: ModelServer,
    posts: list[dict[str, Any]],
    bucket: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with grok() as agent:
        for number, text in enumerate(("timed out", "another one"), 1):
            fail(agent, text)
            until(lambda count=number: caplog.text.count("code_review is normal") == count)  # type: ignore[misc]
    assert [verdict.message for verdict in verdicts(bucket)] == ["code_review is normal: it tries again"] * 2
    assert posts == []


@pytest.mark.parametrize(("status", "content"), [(500, "oops"), (200, "no JSON"), (200, None)])
def test_without_the_model_the_agent_goes_on_and_says_so_once(
    grok: Callable[[], Agent],
    model: ModelServer,
    bucket: Path,
    caplog: pytest.LogCaptureFixture,
    status: int,
    content: str | None,
) -> None:
    model.status, model.content = status, content
    with grok() as agent:
        for _ in range(20):
            fail(agent, "timed out")
        until(lambda: "triage of errors failed" in caplog.text)
    messages = [record.message for record in logs(bucket)]
    complaints = [message for message in messages if message.startswith("triage of errors failed, will try again: ")]
    assert len(complaints) == len(set(complaints)) <= 2  # why, and that it is left alone since
    assert "ask qwen-plus" in complaints[0] or "read the model's answer" in complaints[0]
    assert messages.count("code_review failed") == 20
    assert verdicts(bucket) == []


def test_a_model_that_hangs_holds_nothing_up(grok: Callable[[], Agent], model: ModelServer, bucket: Path) -> None:
    model.delay = 30
    with grok() as agent:
        fail(agent, "timed out")
        until(lambda: bool(model.asked))
    assert [record.message for record in logs(bucket)].count("code_review failed") == 1


def use(brain: Path, model: ModelServer, uses: str, triggers: str = "[on_error_log: analyze_and_alert]") -> None:
    cloud = f"enabled: true, base_url: '{model.url}', use_for: {uses}, triggers: {triggers}, timeout_seconds: 2"
    (brain / "config/alibaba.yaml").write_text(f"alibaba_cloud: {{{cloud}}}")


def prompts(model: ModelServer) -> str:
    return json.dumps([request["messages"][1] for request in model.asked])


@pytest.mark.parametrize(
    ("uses", "triggers", "asked"),
    [
        ("[edge_analysis: true]", "[on_error_log: analyze_and_alert]", True),
        ("[error_analysis]", "[error]", True),
        ("[error_analysis]", "[daily_summary]", False),
        ("[report_generation: true]", "[on_error_log: analyze_and_alert]", False),
    ],
)
def test_errors_are_judged_where_a_use_and_a_trigger_say_so(
    grok: Callable[[], Agent], brain: Path, model: ModelServer, uses: str, triggers: str, asked: bool
) -> None:
    use(brain, model, uses, triggers)
    with grok() as agent:
        fail(agent, "no space left")
        if asked:
            until(lambda: "no space left" in prompts(model))
    assert ("no space left" in prompts(model)) is asked


def test_unusual_values_are_judged_once_a_day_and_posted_if_they_are_critical(
    grok: Callable[[], Agent],
    brain: Path,
    model: ModelServer,
    posts: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use(brain, model, "[anomaly_detection: true]", "[]")
    model.content = CRITICAL
    monkeypatch.setattr(AnomalyScorer, "scores", lambda _self, _values: {"cpu": 9.0, "memory": 1.0})
    with grok():
        until(lambda: bool(posts))
    assert posts[0]["annotations"]["summary"] == "grok: anomaly_detection was judged critical"
    assert len(model.asked) == 1
    assert "cpu of server host-1 is unusually high, score 9" in prompts(model)


def test_of_routine_logs_one_record_a_batch_is_shipped(
    grok: Callable[[], Agent], brain: Path, model: ModelServer, bucket: Path, caplog: pytest.LogCaptureFixture
) -> None:
    use(brain, model, "[edge_analysis: true]")
    with (brain / "config/agents/grok.yaml").open("w") as file:
        file.write("agent: {name: grok, buffer: {flush_interval_minutes: 0.001}}")
    with grok() as agent:
        agent.log.info("polled page %d", 0)
        until(lambda: "records like 'polled page 0' are routine" in caplog.text)
        before = sum(record.message.startswith("polled page") for record in logs(bucket))
        for number in range(200):
            agent.log.info("polled page %d", number)
    shipped = [record for record in logs(bucket) if record.message.startswith("polled page")][before:]
    counts = [(record.context.model_extra or {}).get("records", 1) for record in shipped]
    assert sum(counts) == 200
    assert len(counts) < 100

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

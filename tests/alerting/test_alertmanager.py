"""A real Alertmanager with our routes: receivers, texts, and inhibitions."""

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import pytest
import requests
import yaml

from alerting.generate.messages import MOST
from alerting.generate.routes import alertmanager_config
from alerting.generate.trial import make_alert_test
from alerting.model import ALERTS_FILE, AlertsFile, read_alerts
from nervesys.clients.alertmanager import Alertmanager, AlertmanagerUnavailable
from nervesys.settings import FolderTree, load, shipped_root
from nervesys.stack.alertmanager import arguments
from tests.alerting.compilers import compiler_of
from tests.servers.alertmanager import DEADLINE_SECONDS
from tests.servers.alertmanager import alertmanager as alertmanager_at

SETTINGS = load(profile="local").settings
COMPILER = compiler_of(SETTINGS)
ALERTS = read_alerts(FolderTree(shipped_root()))[0]


@dataclass(frozen=True)
class Notification:
    """One message that Alertmanager sent."""

    path: str
    authorization: str
    body: dict[str, Any]

    @property
    def names(self) -> set[str]:
        """The alerts in a webhook's body."""
        return {alert["labels"]["alertname"] for alert in self.body["alerts"]}


@dataclass(frozen=True)
class Sink:
    """Takes every message, whoever it is for."""

    address: str
    messages: SimpleQueue[Notification]

    def wait_for(self, *wanted: Callable[[Notification], bool]) -> list[Notification]:
        """All messages until each of those that are wanted is among them, in whichever order they come."""
        seen: list[Notification] = []
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not all(any(map(item, seen)) for item in wanted):
            try:
                seen.append(self.messages.get(timeout=max(0, deadline - time.monotonic())))
            except Empty:
                pytest.fail(f"not notified in time; received {seen}")
        return seen


@pytest.fixture
def sink() -> Iterator[Sink]:
    messages: SimpleQueue[Notification] = SimpleQueue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            messages.put(Notification(self.path, self.headers.get("Authorization", ""), body))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Sink(f"127.0.0.1:{server.server_port}", messages)
        server.shutdown()


@pytest.fixture
def alertmanager(sink: Sink, program: Callable[[str], str], tmp_path: Path) -> Iterator[str]:
    """The address of a running one, with Slack enabled, all of whose messages reach the sink."""
    written = yaml.safe_load((shipped_root() / ALERTS_FILE).read_text())
    alerts = AlertsFile.model_validate(written | {"channels": {"slack": {"type": "slack", "channel": "#x"}}})
    (tmp_path / "slack_url").write_text(f"http://{sink.address}/slack")
    (tmp_path / "receiver_token").write_text("opensesame")
    config = yaml.safe_dump(alertmanager_config(COMPILER, alerts, tmp_path))
    (tmp_path / "alertmanager.yml").write_text(config.replace(SETTINGS.monitoring.listen.receiver, sink.address))
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    own = tmp_path / "own"
    words = arguments(
        SETTINGS.monitoring, config=str(tmp_path / "alertmanager.yml"), data=str(own / "data"), listen=address
    )
    with alertmanager_at(program("alertmanager"), words, own, address):
        yield address


def fire(address: str, alertname: str, severity: str, **labels: str) -> None:
    """Send an alert as Prometheus does."""
    annotations = {
        "summary": f"{alertname} it is",
        "description": "so\nServer: web-1\nLast status: well",
        "runbook_url": "run",
        "dashboard_url": "look",
    }
    alert = {"labels": {"alertname": alertname, "severity": severity, **labels}, "annotations": annotations}
    requests.post(f"http://{address}/api/v2/alerts", json=[alert], timeout=5).raise_for_status()


def to_slack(notification: Notification) -> bool:
    return notification.path == "/slack"


def to_receiver(alertname: str) -> Callable[[Notification], bool]:
    return lambda notification: notification.path == "/api/v1/alertmanager" and alertname in notification.names


def test_receiver_and_channels_are_notified_at_once_and_lesser_alerts_are_inhibited(
    alertmanager: str, sink: Sink
) -> None:
    fire(alertmanager, "AgentDown", "critical", agent="grok")
    received = sink.wait_for(to_slack, to_receiver("AgentDown"))
    fire(alertmanager, "BufferFilling", "warning", agent="grok")
    fire(alertmanager, "BufferFilling", "warning", agent="gimai")
    received += sink.wait_for(to_receiver("BufferFilling"))
    by_receiver = [notification for notification in received if not to_slack(notification)]
    assert {notification.authorization for notification in by_receiver} == {"Bearer opensesame"}
    assert [
        [(alert["labels"]["alertname"], alert["labels"]["agent"]) for alert in notification.body["alerts"]]
        for notification in by_receiver
    ] == [[("AgentDown", "grok")], [("BufferFilling", "gimai")]]


def test_of_a_storm_people_read_the_first_and_the_receiver_gets_all_in_a_few_groups(
    alertmanager: str, sink: Sink
) -> None:
    labels = [{"alertname": "AgentDown", "severity": "critical", "agent": f"agent-{n}"} for n in range(3 * MOST)]
    storm = [{"labels": item, "annotations": {"summary": "gone"}} for item in labels]
    requests.post(f"http://{alertmanager}/api/v2/alerts", json=storm, timeout=5).raise_for_status()
    title = f"{3 * MOST} alerts, of which {MOST} follow.\n\ngone\nAgent: agent-"
    received = sink.wait_for(
        lambda item: to_slack(item) and item.body["attachments"][0]["text"].startswith(title),
        lambda item: not to_slack(item) and len(item.body["alerts"]) == 3 * MOST,
    )
    texts = [item.body["attachments"][0]["text"] for item in received if to_slack(item)]
    assert texts[-1].count("gone\n") == MOST


def test_people_read_what_is_the_case_and_what_to_do(alertmanager: str, sink: Sink) -> None:
    fire(alertmanager, "AgentStopped", "warning", agent="grok", nervesys_test="true")
    (notification,) = sink.wait_for(to_slack)
    (attachment,) = notification.body["attachments"]
    assert attachment["title"] == "TEST FIRING: AgentStopped"
    assert re.sub(r"Since: \d{4}(-\d\d){2} \d\d(:\d\d){2} UTC", "Since: then", attachment["text"]).split("\n") == [
        "AgentStopped it is",
        "Agent: grok",
        "Since: then",
        "What happened: so",
        "Server: web-1",
        "Last status: well",
        "What to do: run",
        "Dashboard: look",
        f"Journal: http://{sink.address}/?agent=grok",
        "",
        "",
    ]


def test_the_watchdog_goes_to_the_receiver_alone(alertmanager: str, sink: Sink) -> None:
    fire(alertmanager, "Watchdog", "none")
    fire(alertmanager, "AgentStopped", "warning", agent="grok")
    received = sink.wait_for(to_receiver("Watchdog"), to_slack)
    assert [notification.body["attachments"][0]["title"] for notification in received if to_slack(notification)] == [
        "FIRING: AgentStopped"
    ]


def test_a_test_is_sent_to_all_and_inhibits_nothing(alertmanager: str, sink: Sink) -> None:
    client = Alertmanager(f"http://{alertmanager}")
    test = make_alert_test("Agent Down", {"agent": "grok"}, ALERTS, COMPILER)
    assert client.find(test.labels) is None
    now = time.time()
    client.post(test.body(now, now + 60))
    known = client.find(test.labels)
    assert known is not None
    assert set(known.receivers) == {"actions", "slack"}
    assert known.suppressed_by == ""
    fire(alertmanager, "BufferFilling", "warning", agent="grok")
    titled = "TEST FIRING: AgentDown"
    sink.wait_for(
        lambda notification: to_slack(notification) and notification.body["attachments"][0]["title"] == titled,
        to_receiver("AgentDown"),
        to_receiver("BufferFilling"),
    )
    client.post(test.body(now, time.time()))
    assert client.find(test.labels) is None


def test_a_test_is_kept_back_as_a_real_one_would_be(alertmanager: str) -> None:
    client, now = Alertmanager(f"http://{alertmanager}"), time.time()
    fire(alertmanager, "AgentDown", "critical", agent="grok")
    test = make_alert_test("Buffer Filling", {"agent": "grok"}, ALERTS, COMPILER)
    client.post(test.body(now, now + 60))
    known = client.find(test.labels)
    assert known is not None
    assert known.suppressed_by == "a firing alert of higher severity"


def test_the_warning_of_what_is_critical_already_is_held_back(alertmanager: str) -> None:
    client = Alertmanager(f"http://{alertmanager}")
    fire(alertmanager, "HighCPU", "critical", server="web-1")
    for server, suppressed_by in (("web-1", "a firing alert of higher severity"), ("web-2", "")):
        fire(alertmanager, "HighCPU", "warning", server=server)
        known = client.find({"alertname": "HighCPU", "severity": "warning", "server": server})
        assert known is not None
        assert known.suppressed_by == suppressed_by


def test_an_alertmanager_that_is_away_is_named() -> None:
    with pytest.raises(AlertmanagerUnavailable, match=r"call Alertmanager at http://127.0.0.1:1: cannot connect"):
        Alertmanager("http://127.0.0.1:1").find({})

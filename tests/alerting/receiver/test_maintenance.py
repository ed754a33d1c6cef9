"""Nobody expects the agent to run: windows of the brain, and a real Alertmanager's silences."""

import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from pydantic import ValidationError

from alerting.receiver.maintenance import maintenance
from nervesys.alertmanager import Alertmanager, Cluster
from nervesys.settings import AgentConfig
from nervesys.stack.programs import root_of
from tests.alerting.receiver.test_decide import PENDING
from tests.servers.s3 import free_port

WINDOW = {"from": "2027-01-15T22:00:00Z", "until": "2027-01-16T02:00:00+00:00"}


def agent(*windows: dict[str, str]) -> AgentConfig:
    return AgentConfig.model_validate({"name": "grok", "maintenance": windows})


@pytest.mark.parametrize(
    ("now", "why"),
    [
        pytest.param("2027-01-15T21:59:59+00:00", "", id="not yet"),
        pytest.param(
            "2027-01-15T22:00:00+00:00", "maintenance until 2027-01-16 02:00 UTC: new disk", id="from then on"
        ),
        pytest.param(
            "2027-01-16T03:59:59+02:00", "maintenance until 2027-01-16 02:00 UTC: new disk", id="to the last second"
        ),
        pytest.param("2027-01-16T02:00:00+00:00", "", id="over"),
    ],
)
def test_a_window_of_the_brain(now: str, why: str) -> None:
    config = agent({"from": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"}, WINDOW | {"reason": "new disk"})
    assert maintenance(config, PENDING, frozenset(), datetime.fromisoformat(now).timestamp()) == why


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(WINDOW | {"until": "2027-01-16T02:00:00"}, id="an hour of nowhere"),
        pytest.param({"from": "tomorrow", "until": "later"}, id="not an instant"),
        pytest.param(WINDOW | {"untill": "x"}, id="a misspelt key"),
    ],
)
def test_a_wrong_window_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        agent(wrong)


def test_a_silence_counts_for_its_alert_and_agent_only() -> None:
    silenced = frozenset({("AgentDown", "grok"), ("AgentDown", "gimai")})
    assert maintenance(agent(), PENDING, silenced, 0) == "AgentDown is silenced in Alertmanager"
    assert maintenance(agent(), PENDING, frozenset({("HighCPU", "grok"), ("AgentDown", "gimai")}), 0) == ""


@pytest.fixture
def url(tmp_path: Path, program: Callable[[str], str]) -> Iterator[str]:
    """A real Alertmanager."""
    executable = Path(program("alertmanager"))
    (tmp_path / "alertmanager.yaml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    address = f"127.0.0.1:{free_port()}"
    said = (f"--config.file={tmp_path}/alertmanager.yaml", f"--storage.path={tmp_path}", "--cluster.listen-address=")
    process = subprocess.Popen(
        [executable, *said, f"--web.listen-address={address}"], cwd=root_of(executable), stderr=subprocess.DEVNULL
    )
    try:
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(20)


def post(url: str, path: str, body: Any) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            requests.post(f"{url}/api/v2/{path}", json=body, timeout=5).raise_for_status()
        except requests.ConnectionError:
            assert time.monotonic() < until
            time.sleep(0.05)
        else:
            return


def asked(*urls: str) -> frozenset[tuple[str, str]]:
    """What those silence together."""
    return Cluster(tuple(Alertmanager(url) for url in urls)).silenced()


def test_every_alertmanager_is_asked_what_people_have_silenced(url: str) -> None:
    now = datetime.now(UTC)
    matcher = {"name": "agent", "value": "GROK", "isRegex": False, "isEqual": True}
    ends = (now + timedelta(hours=1)).isoformat()
    silence = {"matchers": [matcher], "startsAt": now.isoformat(), "endsAt": ends, "createdBy": "me", "comment": "disk"}
    post(url, "silences", silence)
    post(url, "alerts", [{"labels": {"alertname": "AgentDown", "agent": name}} for name in ("GROK", "gimai")])
    until = time.monotonic() + 20
    while not (silenced := asked("http://127.0.0.1:1", url)):
        assert time.monotonic() < until
        time.sleep(0.1)
    assert silenced == {("AgentDown", "grok")}


def test_an_alertmanager_that_cannot_be_asked_silences_nothing(caplog: pytest.LogCaptureFixture) -> None:
    assert asked("http://127.0.0.1:1") == frozenset()
    assert "ask Alertmanager for silences" in caplog.text

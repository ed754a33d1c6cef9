"""Maintenance: windows of the brain, and a real Alertmanager's silences.

Covers: nervesys.clients.alertmanager.
"""

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
from nervesys.clients.alertmanager import Alertmanager, Cluster
from nervesys.settings import AgentConfig
from nervesys.settings.check import check
from nervesys.stack.programs import root_of
from tests.alerting.receiver.test_decide import PENDING
from tests.servers.s3 import free_port

WINDOW = {"from": "2027-01-15T22:00:00Z", "until": "2027-01-16T02:00:00+00:00"}
NIGHTLY: dict[str, Any] = {"every": "day", "at": "23:30", "minutes": 60}


def agent(*windows: dict[str, Any]) -> AgentConfig:
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
    ("window", "now", "until"),
    [
        pytest.param(NIGHTLY, "2027-01-15T23:29:59+00:00", "", id="not yet"),
        pytest.param(NIGHTLY, "2027-01-15T23:30:00+00:00", "2027-01-16 00:30", id="tonight"),
        pytest.param(NIGHTLY, "2027-01-16T00:29:59+00:00", "2027-01-16 00:30", id="past midnight"),
        pytest.param(NIGHTLY, "2027-01-16T00:30:00+00:00", "", id="over"),
        pytest.param(NIGHTLY, "2027-01-16T01:00:00+01:00", "2027-01-16 00:30", id="the hour is UTC"),
        pytest.param(NIGHTLY | {"every": "friday"}, "2027-01-16T00:00:00+00:00", "2027-01-16 00:30", id="since friday"),
        pytest.param(NIGHTLY | {"every": "friday"}, "2027-01-16T23:45:00+00:00", "", id="a saturday"),
        pytest.param(
            {"every": ["friday", "sunday"], "at": "20:00", "minutes": 3000},
            "2027-01-17T21:30:00+00:00",
            "2027-01-19 22:00",
            id="for days, and the later of two",
        ),
        pytest.param(NIGHTLY | {"at": 1410}, "2027-01-15T23:30:00+00:00", "2027-01-16 00:30", id="without quotes"),
    ],
)
def test_a_window_that_comes_back(window: dict[str, Any], now: str, until: str) -> None:
    why = maintenance(agent(window), PENDING, frozenset(), datetime.fromisoformat(now).timestamp())
    assert why == (until and f"maintenance until {until} UTC")


def test_only_the_mistakes_of_the_meant_kind_are_reported() -> None:
    _, problems = check(AgentConfig, {"name": "grok", "maintenance": [NIGHTLY | {"at": "late"}]})
    assert [path for path, _ in problems] == [("maintenance", "0", "weekly", "at")]


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(WINDOW | {"until": "2027-01-16T02:00:00"}, id="an hour of nowhere"),
        pytest.param({"from": "tomorrow", "until": "later"}, id="not an instant"),
        pytest.param(WINDOW | {"untill": "x"}, id="a misspelt key"),
        pytest.param(NIGHTLY | {"every": "caturday"}, id="no day"),
        pytest.param(NIGHTLY | {"every": []}, id="never"),
        pytest.param(NIGHTLY | {"at": "24:00"}, id="no time of day"),
        pytest.param(NIGHTLY | {"minutes": 0}, id="no length"),
    ],
)
def test_a_wrong_window_is_refused(wrong: dict[str, Any]) -> None:
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
    options = (
        f"--config.file={tmp_path}/alertmanager.yaml",
        f"--storage.path={tmp_path}",
        "--cluster.listen-address=",
    )
    process = subprocess.Popen(
        [executable, *options, f"--web.listen-address={address}"], cwd=root_of(executable), stderr=subprocess.DEVNULL
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
    assert "read silences: call Alertmanager" in caplog.text


def test_an_alertmanager_reports_what_fires_whether_or_not_it_is_silenced(url: str) -> None:
    now = datetime.now(UTC)
    matcher = {"name": "agent", "value": "grok", "isRegex": False, "isEqual": True}
    ends = (now + timedelta(hours=1)).isoformat()
    silence = {"matchers": [matcher], "startsAt": now.isoformat(), "endsAt": ends, "createdBy": "me", "comment": "disk"}
    post(url, "silences", silence)
    ended = (now - timedelta(minutes=1)).isoformat()
    alerts = [("ManyErrors", "grok"), ("ManyErrors", "gimai"), ("ManyErrorsLate", "grok")]
    posted: list[dict[str, Any]] = [{"labels": {"alertname": name, "agent": agent}} for name, agent in alerts]
    posted.append({"labels": {"alertname": "ManyErrors", "agent": "copilot"}, "endsAt": ended})
    post(url, "alerts", posted)
    member, until = Alertmanager(url), time.monotonic() + 20
    while len(firing := member.firing({"ManyErrors", "Other"})) < 2:
        assert time.monotonic() < until
        time.sleep(0.1)
    assert sorted(labels["agent"] for labels in firing) == ["gimai", "grok"]

"""Warnings of actions that ask people who cannot answer."""

from pathlib import Path
from typing import Any

import pytest

from alerting.generate.approval_check import approval_warnings
from alerting.model import AlertsFile
from nervesys.settings import Settings, load

SLACK = {"type": "slack", "channel": "#a"}
RESTART = {"auto_action": "restart_agent", "confirm": True}


def warnings(
    actions: list[dict[str, Any]],
    channels: dict[str, Any],
    secrets: Path,
    url: str | None = "https://receiver.example.org",
) -> list[str]:
    alert = {"name": "Agent Down", "condition": "no heartbeat > 5 minutes", "actions": actions}
    alerts = AlertsFile.model_validate({"engine": "prometheus", "channels": channels, "alerts": [alert]})
    loaded: Settings = load(profile="local").settings
    monitoring = loaded.monitoring.model_copy(update={"receiver_url": url})
    settings = loaded.model_copy(update={"monitoring": monitoring})
    return [str(problem) for problem in approval_warnings(alerts, "/".join, settings, secrets)]


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    (tmp_path / "approval_key").write_text("x" * 40)
    return tmp_path


@pytest.mark.parametrize(
    ("channels", "problem"),
    [
        pytest.param({"chat": SLACK}, "", id="right"),
        pytest.param({"chat": {**SLACK, "enabled": False}}, "enable a channel of type slack", id="disabled"),
        pytest.param(
            {"chat": {"type": "webhook", "url": "https://x.example"}}, "can carry the question", id="no person"
        ),
        pytest.param({"chat": {"type": "telegram", "chat_id": 7}}, "", id="a private chat"),
        pytest.param({"chat": {"type": "telegram", "chat_id": -7}}, "channels.chat.approvers", id="a group"),
        pytest.param({"chat": {"type": "telegram", "chat_id": -7, "approvers": [1]}}, "", id="a group with approvers"),
    ],
)
def test_a_question_needs_a_channel(channels: dict[str, Any], problem: str, secrets: Path) -> None:
    found = warnings([RESTART, {"notify": "chat"}], channels, secrets)
    assert [problem in text and "alerts/0/actions" in text for text in found] == ([True] if problem else [])


def test_links_need_a_key_and_an_address_that_people_reach(secrets: Path) -> None:
    actions: list[dict[str, Any]] = [RESTART, {"notify": "chat"}]
    for url in (None, "http://localhost:1", "http://[::1]:1"):
        (found,) = warnings(actions, {"chat": SLACK}, secrets, url)
        assert "receiver_url" in found
    (secrets / "approval_key").unlink()
    (found,) = warnings(actions, {"chat": SLACK}, secrets)
    assert "openssl rand" in found


def test_who_asks_nobody_is_not_warned(tmp_path: Path) -> None:
    assert warnings([{"auto_action": "restart_agent"}], {}, tmp_path, None) == []


@pytest.mark.parametrize(
    "action", [{"notify": "chat", "confirm": True}, {"confirm": True}, {"log_to": "logs/a/", "confirm": True}]
)
def test_confirm_goes_with_an_automatic_action(action: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="auto_action"):
        warnings([action], {"chat": SLACK}, tmp_path)

"""Alertmanager's configuration, tested with amtool: the receivers of each alert."""

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerting.generate.routes import alertmanager_config, posted_config
from alerting.generate.rules import rules_of
from alerting.model import ALERTS_FILE, AlertsFile, read_alerts
from nervesys.settings import FolderTree, load, shipped_root
from tests.alerting.compilers import compiler_of

SHIPPED = read_alerts(FolderTree(shipped_root()))[0]
SETTINGS = load().settings
COMPILER = compiler_of(SETTINGS)
CHANNELS: dict[str, dict[str, Any]] = {
    "slack": {"type": "slack", "channel": "#nervesys"},
    "email": {"type": "email", "to": "a@example.org", "from": "b@example.org", "smarthost": "mail.example.org:587"},
    "pager": {"type": "webhook", "url": "https://example.org/hook", "token_file": "pager_token"},
    "telegram": {"type": "telegram", "chat_id": -100200},
}
Amtool = Callable[..., subprocess.CompletedProcess[str]]


def with_channels(channels: Mapping[str, Any] = CHANNELS) -> AlertsFile:
    """The shipped alerts, with these channels enabled; with every kind where none are given."""
    written = yaml.safe_load((shipped_root() / ALERTS_FILE).read_text())
    return AlertsFile.model_validate(written | {"channels": channels})


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("alertmanager") / "alertmanager.yml"
    text = yaml.safe_dump(alertmanager_config(COMPILER, with_channels(), path.parent))
    path.write_text(text.replace("bot_token_file", "bot_token"))  # the distribution's is older than the former
    return path


@pytest.fixture
def amtool(program: Callable[[str], str]) -> Amtool:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([program("amtool"), *words], capture_output=True, text=True, timeout=30)

    return run


@pytest.mark.parametrize("alerts", [SHIPPED, with_channels()], ids=["no channel is enabled", "every kind of channel"])
def test_alertmanager_reads_it(alerts: AlertsFile, amtool: Amtool, tmp_path: Path) -> None:
    path = tmp_path / "alertmanager.yml"
    text = yaml.safe_dump(alertmanager_config(COMPILER, alerts, tmp_path))
    path.write_text(text.replace("bot_token_file", "bot_token"))  # the distribution's is older than the former
    done = amtool("check-config", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        pytest.param(
            "alertname=AgentDown agent=grok severity=critical", "actions,slack,email", id="acted upon and notified"
        ),
        pytest.param("alertname=HighCPU server=web-1 severity=warning", "actions,slack", id="logged and notified"),
        pytest.param("alertname=AgentStopped agent=grok severity=warning", "slack", id="notified only"),
        pytest.param("alertname=Watchdog severity=none", "deadman", id="the dead-man's switch alone"),
        pytest.param("alertname=Mine severity=critical", "nobody", id="an alert of somebody else"),
    ],
)
def test_who_hears_of_it(amtool: Amtool, config: Path, labels: str, receivers: str) -> None:
    done = amtool(
        "config", "routes", "test", f"--config.file={config}", f"--verify.receivers={receivers}", *labels.split()
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_actions_wait_for_nobody_and_repeat_often() -> None:
    routes = alertmanager_config(COMPILER, SHIPPED, Path("secrets"))["route"]["routes"]
    (actions,) = [route for route in routes if route["receiver"] == "actions"]
    assert actions["continue"] is True
    assert actions["group_by"] == ["alertname", "server", "agent_bucket"], "one a name, not one an agent"
    assert [actions[key] for key in ("group_wait", "group_interval", "repeat_interval")] == ["0s", "15s", "2m"]


def test_the_receiver_hears_of_the_end_of_an_alert_and_of_all_of_them() -> None:
    receivers = alertmanager_config(COMPILER, SHIPPED, Path("secrets"))["receivers"]
    (webhook,) = next(item["webhook_configs"] for item in receivers if item["name"] == "actions")
    assert webhook["send_resolved"] is True, "the end of an alert makes the receiver look"
    assert "max_alerts" not in webhook, "it would leave alerts out without a word"


def test_each_receiver_has_a_webhook() -> None:
    settings = load(profile="kubernetes,kubernetes-large").settings
    receivers = alertmanager_config(compiler_of(settings), SHIPPED, Path("secrets"))["receivers"]
    urls = {item["name"]: [hook["url"] for hook in item.get("webhook_configs", ())] for item in receivers}
    wanted = [f"http://receiver-{number}.receiver:17010/api/v1/alertmanager" for number in (0, 1)]
    assert (urls["actions"], urls["deadman"]) == (wanted, wanted)


def test_the_dead_mans_switch_goes_to_the_receiver_and_outside() -> None:
    settings = load(flags={"NERVESYS_DEADMAN_URL": "https://example.org/alive"}).settings
    receivers = {
        item["name"]: item for item in alertmanager_config(compiler_of(settings), SHIPPED, Path("secrets"))["receivers"]
    }
    assert [hook["url"] for hook in receivers["deadman"]["webhook_configs"]] == [
        "http://127.0.0.1:17010/api/v1/alertmanager",
        "https://example.org/alive",
    ]
    hooks = receivers["deadman"]["webhook_configs"]
    assert [hook["send_resolved"] for hook in hooks] == [True, False], "its end is no sign of life"
    (route, *_) = alertmanager_config(compiler_of(settings), SHIPPED, Path("secrets"))["route"]["routes"]
    assert [route[key] for key in ("receiver", "group_wait", "repeat_interval")] == ["deadman", "0s", "1m"], (
        "whoever waits for it takes a longer silence for death"
    )


def test_every_label_of_an_inhibition_is_on_both_sides() -> None:
    """A label that both lack counts as equal, and would mute everything that matches."""
    labels = {alert.alertname: rules_of(alert, COMPILER)[0].by for alert in SHIPPED.alerts}
    rules = alertmanager_config(COMPILER, SHIPPED, Path("secrets"))["inhibit_rules"]
    assert rules
    for rule in rules:
        source, target = (
            rule[side][0].removeprefix('alertname = "').removesuffix('"')
            for side in ("source_matchers", "target_matchers")
        )
        assert rule["equal"]
        assert set(rule["equal"]) <= set(labels[source]) & set(labels[target])


@pytest.mark.parametrize(("fields", "wanted"), [({}, True), ({"require_tls": False}, False)])
def test_mail_leaves_by_tls_unless_people_say_otherwise(fields: dict[str, Any], wanted: bool) -> None:
    config = alertmanager_config(COMPILER, with_channels({"email": CHANNELS["email"] | fields}), Path("secrets"))
    (email,) = (item["email_configs"] for item in config["receivers"] if item["name"] == "email")
    assert [item["require_tls"] for item in email] == [wanted]


def test_no_secret_is_in_it_and_its_files_are_named() -> None:
    text = yaml.safe_dump(alertmanager_config(COMPILER, with_channels(), Path("/secrets")))
    for file in ("receiver_token", "slack_url", "pager_token", "telegram_token"):
        assert f"/secrets/{file}" in text


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        pytest.param("alertname=JudgedCritical agent=grok severity=critical", "actions,slack,email", id="posted"),
        pytest.param("alertname=AgentDown agent=grok severity=critical", "nobody", id="evaluated by Grafana"),
        pytest.param("alertname=Watchdog severity=none", "nobody", id="the dead-man's switch is Grafana's"),
    ],
)
def test_where_grafana_evaluates_people_are_notified_of_what_is_posted(
    amtool: Amtool, tmp_path: Path, labels: str, receivers: str
) -> None:
    text = yaml.safe_dump(posted_config(load().settings, with_channels(), tmp_path))
    (tmp_path / "alertmanager.yml").write_text(text.replace("bot_token_file", "bot_token"))
    assert amtool("check-config", str(tmp_path / "alertmanager.yml")).returncode == 0
    where = f"--config.file={tmp_path}/alertmanager.yml"
    done = amtool("config", "routes", "test", where, f"--verify.receivers={receivers}", *labels.split())
    assert done.returncode == 0, done.stdout + done.stderr

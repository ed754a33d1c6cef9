"""The alerts of a brain, laid over the shipped ones: what a file leaves out, and what it changes."""

from pathlib import Path

import pytest

from alerting.generate.routes import alertmanager_config
from alerting.generate.rules import annotations, prometheus_rules, rules_of
from alerting.model import ALERTS_FILE, Alert, AlertsFile, read_alerts
from nervesys.errors import SettingsError
from nervesys.settings import FolderTree, load, shipped_root
from tests.alerting.compilers import compiler_of, rules_in
from tests.nervesys.settings.conftest import PLAN

SETTINGS = load().settings
COMPILER = compiler_of(SETTINGS)
SHIPPED = read_alerts(FolderTree(shipped_root()))[0]


def brain(root: Path, text: str) -> FolderTree:
    file = root / ALERTS_FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return FolderTree(root)


def alerts_of(root: Path, text: str) -> AlertsFile:
    return read_alerts(brain(root, text))[0]


def mistakes_of(root: Path, text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read_alerts(brain(root, text))
    return [str(mistake) for mistake in caught.value.mistakes]


def named(alerts: AlertsFile, alertname: str) -> Alert:
    alert = alerts.named(alertname)
    assert alert is not None
    return alert


def test_a_file_that_says_nothing_leaves_the_shipped_alerts(tmp_path: Path) -> None:
    assert alerts_of(tmp_path, "") == SHIPPED
    assert read_alerts(FolderTree(tmp_path / "none"))[0] == SHIPPED


def test_the_block_of_the_plan_loads_as_it_stands() -> None:
    alerts, merged = read_alerts(FolderTree(PLAN))
    assert len(alerts.alerts) == len(SHIPPED.alerts)
    down, cpu = named(alerts, "AgentDown"), named(alerts, "HighCPU")
    assert (down.condition, down.channels) == ("no heartbeat > 5 minutes", ("slack", "email"))
    assert [action.auto_action for action in down.actions if action.auto_action] == ["restart_agent"]
    assert down.summary == named(SHIPPED, "AgentDown").summary
    assert (cpu.condition, cpu.actions[-1].log_to) == ("cpu > 90% for 10 minutes", "logs/alerts/")
    (rule,) = rules_of(cpu, COMPILER)
    assert rule.severity == "warning"
    assert merged.origin(("alerts", str(alerts.alerts.index(cpu)), "condition")) == "config/alerts.yaml:11"
    assert len(rules_in(prometheus_rules(COMPILER, alerts))) > len(alerts.alerts) - 1


def test_an_alert_changes_by_one_key_and_keeps_the_others(tmp_path: Path) -> None:
    tree = brain(tmp_path, "alerts:\n  - name: AgentDown\n    condition: no heartbeat > 10 minutes\n")
    alerts, merged = read_alerts(tree)
    down = named(alerts, "AgentDown")
    index = str(alerts.alerts.index(down))
    assert down == named(SHIPPED, "AgentDown").model_copy(
        update={"name": "AgentDown", "condition": "no heartbeat > 10 minutes"}
    )
    assert merged.origin(("alerts", index, "condition")) == "config/alerts.yaml:3"
    assert merged.origin(("alerts", index, "summary")).startswith("shipped config/alerts.yaml:")
    assert len(alerts.alerts) == len(SHIPPED.alerts)


def test_an_interval_changes_by_its_group_and_the_others_stay(tmp_path: Path) -> None:
    alerts, merged = read_alerts(brain(tmp_path, "intervals: {storage: 2 minutes, cost: 30s}\n"))
    assert alerts.intervals == {**SHIPPED.intervals, "storage": 120, "cost": 30}
    assert merged.origin(("intervals", "cost")) == "config/alerts.yaml:1"
    assert merged.origin(("intervals", "hygiene")).startswith("shipped config/alerts.yaml:")
    (problem,) = mistakes_of(tmp_path, "intervals: {storage: 1 hour}\n")
    assert "intervals.storage" in problem


@pytest.mark.parametrize(("every", "seconds"), [(15, 60), (5, 20), (60, 120), (300, 300)])
def test_an_interval_in_evaluations_follows_the_pace_of_the_others(
    tmp_path: Path, every: float, seconds: float
) -> None:
    alerts, _ = read_alerts(brain(tmp_path, "intervals: {storage: 4 evaluations}\n"))
    assert alerts.interval_of("storage", every) == seconds
    assert mistakes_of(tmp_path, "intervals: {storage: 0 evaluations}\n")


def test_an_own_condition_replaces_a_shipped_expression_and_its_labels(tmp_path: Path) -> None:
    shipped = next(alert for alert in SHIPPED.alerts if alert.expr and alert.by)
    changed = named(alerts_of(tmp_path, f"alerts: [{{name: {shipped.name}, condition: cpu > 99%}}]"), shipped.alertname)
    assert (changed.condition, changed.expr, changed.by) == ("cpu > 99%", None, ())


def test_disabled_alerts_are_gone_and_no_other_alert_refers_to_them(tmp_path: Path) -> None:
    alerts = alerts_of(tmp_path, "disable: [Agent Clock Skew, HighDisk]")
    assert {"AgentClockSkew", "HighDisk"}.isdisjoint(alert.alertname for alert in alerts.alerts)
    assert "Agent Clock Skew" not in named(alerts, "AgentDown").inhibits
    assert "Buffer Filling" in named(alerts, "AgentDown").inhibits
    assert alertmanager_config(COMPILER, alerts, Path("/secrets"))


def test_no_shipped_alert_is_left_but_the_watchdog(tmp_path: Path) -> None:
    alerts = alerts_of(tmp_path, "shipped: false\nalerts: [{name: Hot, condition: cpu > 90%}]")
    assert [alert.name for alert in alerts.alerts] == ["Watchdog", "Hot"]


def test_a_channel_that_the_file_describes_is_enabled(tmp_path: Path) -> None:
    text = (
        "channels: {slack: {channel: '#ops'}, email: {to: ops@acme.org, enabled: false}, hook: {type: webhook, url: u}}"
    )
    channels = alerts_of(tmp_path, text).channels
    assert {name: channel.enabled for name, channel in channels.items()} == {
        "slack": True,
        "email": False,
        "hook": True,
    }
    assert channels["slack"].model_dump()["api_url_file"] == "slack_url"
    assert channels["email"].model_dump()["smarthost"] == "smtp.example.org:587"


def test_a_channel_of_another_type_takes_nothing_from_the_shipped_one(tmp_path: Path) -> None:
    channels = alerts_of(tmp_path, "channels: {slack: {type: webhook, url: 'http://here'}}").channels
    assert channels["slack"].model_dump() == {
        "enabled": True,
        "type": "webhook",
        "url": "http://here",
        "token_file": None,
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "disable: [Agent Dwn]",
            "alerts.yaml:1: disable: unknown alert 'Agent Dwn'; did you mean 'Agent Down'?",
        ),
        ("disabled: [Agent Down]", "config/alerts.yaml:1: disabled: unknown key; did you mean 'disable'?"),
        ("shipped: sometimes", "config/alerts.yaml:1: shipped: "),
        ("alerts: {name: X}", "config/alerts.yaml:1: alerts: "),
        ("alerts: [Agent Down]", "config/alerts.yaml:1: alerts.0: "),
        ("channels:\n  slack: {chanel: x}", "config/alerts.yaml:2: channels.slack.slack.chanel: unknown key"),
        ("channels:\n  slack: yes", "config/alerts.yaml:2: channels.slack: "),
        ("alerts:\n- name: X\n  condition: cpu > 1%\n  actions: [{log_to: ../logs/}]", "config/alerts.yaml:4: "),
        ("alerts:\n- {name: X, condition: cpu > 1%}\n- {name: X, condition: cpu > 2%}", "two alerts are named X"),
        ("alerts:\n- {name: Agent Down}\n- {name: AgentDown}", "two alerts are named AgentDown"),
        ("alerts: [", "not YAML"),
    ],
)
def test_a_mistake_has_its_line_in_the_own_file(text: str, problem: str, tmp_path: Path) -> None:
    (found,) = mistakes_of(tmp_path, text)
    assert problem in found
    assert found.startswith("config/alerts.yaml")


@pytest.mark.parametrize(
    ("actions", "severity"),
    [
        ("[{notify: slack}, {auto_action: restart_agent}]", "critical"),
        ("[{notify: slack}]", "warning"),
        ("[{log_to: nervesys/logs/alerts/}]", "info"),
        ("[]", "info"),
    ],
)
def test_a_severity_that_is_left_out_follows_from_the_actions(actions: str, severity: str, tmp_path: Path) -> None:
    text = f"alerts: [{{name: Own, condition: no heartbeat > 10 minutes, actions: {actions}}}]"
    (rule,) = rules_of(named(alerts_of(tmp_path, text), "Own"), COMPILER)
    assert rule.severity == severity


def test_texts_that_are_left_out_follow_from_the_condition(tmp_path: Path) -> None:
    alerts = alerts_of(tmp_path, "alerts: [{name: Hot Server, condition: cpu > 90%}, {name: Odd, expr: 'up == 0'}]")
    (hot,), (odd,) = (rules_of(named(alerts, name), COMPILER) for name in ("HotServer", "Odd"))
    texts = annotations(hot, SETTINGS)
    assert texts["summary"] == "{{ $labels.server }}: Hot Server"
    assert texts["description"] == "The condition `cpu > 90%` holds. Value: {{ $value }}."
    assert texts["runbook_url"].endswith("/reference/alerts.md#alerts-of-your-own")
    assert annotations(odd, SETTINGS)["summary"] == "Odd"
    assert annotations(odd, SETTINGS)["description"] == "The condition `up == 0` holds. Value: {{ $value }}."

"""Every mistake in config/alerts.yaml is named with file and line, and all at once.

Covers: alerting.model.
"""

from pathlib import Path

import pytest

from alerting.generate.check import AlertCheckContext, find_mistakes
from alerting.model import ALERTS_FILE, read_alerts
from nervesys.clients.promql import known_series
from nervesys.errors import SettingsError
from nervesys.metrics import Family, Period
from nervesys.metrics.periods import periods
from nervesys.settings import FolderTree, load
from tests.alerting.compilers import compiler_of

LOADED = load()
FAMILIES = (
    Family("agent_heartbeat_timestamp_seconds", "gauge", "Heartbeat.", ("agent",)),
    Family("agent_status", "gauge", "Status.", ("agent", "status")),
    Family("server_cpu_ratio", "gauge", "CPU.", ("server",)),
    Family("brain_agent_info", "gauge", "Agents.", ("agent", "role")),
    Family("store_clock_offset_seconds", "gauge", "Offset."),
    Family("exporter_last_success_timestamp_seconds", "gauge", "Success.", ("source", "area"), Period.SCRAPE),
    Family("exporter_fresh_limit_seconds", "gauge", "Limit.", ("source", "area"), Period.SCRAPE),
    Family("exporter_unbroken_since_timestamp_seconds", "gauge", "Since.", ("source", "area"), Period.SCRAPE),
    Family("open_actions", "gauge", "Open.", ("agent", "action", "state"), Period.SCRAPE),
)
WATCHDOG = "  - {name: Watchdog, condition: all is well, severity: none, summary: s, description: d, runbook: r}\n"


def written(root: Path, alerts: str, channels: str = "{}") -> FolderTree:
    """A brain with these alerts alone, and with the Watchdog, which nobody may leave out."""
    file = root / ALERTS_FILE
    file.parent.mkdir()
    file.write_text(f"engine: prometheus\nchannels: {channels}\nalerts:\n{WATCHDOG}{alerts}shipped: false\n")
    return FolderTree(root)


def entry(**fields: str) -> str:
    """One alert on the line that follows."""
    texts = {"name": "High CPU", "summary": "s", "description": "d", "runbook": "r"} | fields
    return f"  - {{{', '.join(f'{key}: {value}' for key, value in texts.items())}}}\n"


def mistakes_of(tree: FolderTree, secrets: Path | None = None) -> list[str]:
    """The mistakes of a brain's alerts, as lines."""
    context = AlertCheckContext(
        known_series(FAMILIES),
        ["nervesys_open_actions"],
        periods(LOADED),
        ["main-overview", "stack-health"],
        secrets,
        compiler_of(LOADED.settings, LOADED.own_thresholds),
    )
    try:
        alerts, document = read_alerts(tree)
    except SettingsError as err:
        return [str(mistake) for mistake in err.mistakes]
    return [str(mistake) for mistake in find_mistakes(alerts, document.origin, context)]


CPU = {"condition": "cpu > 90%", "severity": "warning"}


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"condition": "cpuu > 90%", "severity": "warning"}, "unknown metric 'cpuu'; did you mean 'cpu'?"),
        ({"condition": "cpu > 90% for 1 minute", "severity": "info"}, "60 s over nervesys_server_cpu_ratio is less"),
        ({"condition": "no heartbeat > 2 minutes", "severity": "info"}, "takes at least 180 s"),
        ({"condition": "memory > 90%", "severity": "info"}, "there is no family nervesys_server_memory_ratio"),
        ({"expr": "up ==", "severity": "info"}, "invalid promql query"),
        ({"expr": "nervesys_server_cpu_ration > 1", "severity": "info"}, "no family nervesys_server_cpu_ration"),
        ({"expr": "'nervesys_server_cpu_ratio{host=\"a\"}'", "severity": "info"}, "has no label host"),
        ({**CPU, "actions": "[{notify: slak}]"}, "unknown channel 'slak'; did you mean 'slack'?"),
        (
            {**CPU, "actions": "[{auto_action: restart_agnt}]"},
            "unknown action 'restart_agnt'; did you mean 'restart_agent'",
        ),
        ({**CPU, "actions": "[{auto_action: restart_agent}]"}, "restart_agent needs an alert with the label agent"),
        (
            {
                "expr": "nervesys_open_actions > 0",
                "by": "[agent]",
                "severity": "info",
                "actions": "[{auto_action: restart_agent}]",
            },
            "would trigger itself",
        ),
        ({**CPU, "actions": "[{notify: slack, log_to: logs/alerts/}]"}, "an action has exactly one of"),
        ({**CPU, "inhibits": "[Watchdogg]"}, "unknown alert 'Watchdogg'; did you mean 'Watchdog'?"),
        ({**CPU, "inhibits": "[Watchdog]"}, "shares no label with High CPU"),
        ({**CPU, "dashboard": "main-overvew"}, "unknown dashboard 'main-overvew'; did you mean 'main-overview'?"),
        ({**CPU, "severty": "info"}, "unknown key; did you mean 'severity'?"),
        ({**CPU, "expr": "up"}, "one of condition, expr and posted"),
        ({**CPU, "for": "60"}, "'60' is not a duration, such as 5 minutes"),
        ({**CPU, "for": "soon"}, "is not a duration, such as 5 minutes"),
        ({**CPU, "name": "Watchdog"}, "two alerts are named Watchdog"),
        ({**CPU, "group": "My group"}, "must be words in small letters"),
    ],
)
def test_each_mistake_is_named_with_its_line(fields: dict[str, str], problem: str, tmp_path: Path) -> None:
    channels = "{slack: {type: slack, enabled: false, channel: '#x'}}"
    (found,) = mistakes_of(written(tmp_path, entry(**fields), channels))
    assert found.startswith("config/alerts.yaml:"), found
    assert problem in found


def test_what_is_right_is_left_alone(tmp_path: Path) -> None:
    agent = entry(
        name="Gone", condition="no heartbeat > threshold", severity="critical", actions="[{auto_action: restart_agent}]"
    )
    assert mistakes_of(written(tmp_path, entry(**CPU) + agent)) == []


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    wrong = entry(condition="cpuu > 90%", severity="warning") + entry(name="B", condition="cpu > 90", severity="info")
    assert [line.split(": ")[0] for line in mistakes_of(written(tmp_path, wrong))] == [
        "config/alerts.yaml:5",
        "config/alerts.yaml:6",
    ]


def test_the_watchdog_may_not_be_left_out(tmp_path: Path) -> None:
    tree = written(tmp_path, "disable: [Watchdog]\n")
    file = tmp_path / ALERTS_FILE
    file.write_text(file.read_text().replace(WATCHDOG, entry(**CPU)))
    assert mistakes_of(tree) == [
        "config/alerts.yaml:3: alerts: Watchdog is missing: an outage of the monitoring would go unnoticed"
    ]


def test_what_grafana_would_replace_is_refused_where_it_evaluates(tmp_path: Path) -> None:
    tree = written(tmp_path, entry(**CPU, summary="'costs ${amount}'"))
    assert mistakes_of(tree) == []
    file = tmp_path / ALERTS_FILE
    file.write_text(file.read_text().replace("engine: prometheus", "engine: grafana"))
    (found,) = mistakes_of(tree)
    assert "Grafana takes `${` for the name of a variable" in found


EMAIL = "type: email, to: a@example.org, from: b@example.org, smarthost: 'mail.example.org:587'"


@pytest.mark.parametrize(
    ("channel", "file"),
    [
        ("type: slack, channel: '#x'", "slack_url"),
        ("type: telegram, chat_id: 7", "telegram_token"),
        ("type: webhook, url: 'https://example.org', token_file: mine", "mine"),
        (f"{EMAIL}, auth_username: b", "smtp_password"),
    ],
)
def test_an_enabled_channel_needs_its_secret(channel: str, file: str, tmp_path: Path) -> None:
    tree = written(tmp_path, "", f"{{it: {{{channel}}}}}")
    (found,) = mistakes_of(tree, secrets=tmp_path)
    assert f"{tmp_path / file} cannot be read" in found
    (tmp_path / file).touch()
    (found,) = mistakes_of(tree, secrets=tmp_path)
    assert f"{tmp_path / file} is empty" in found
    (tmp_path / file).write_text("https://example.org")
    assert mistakes_of(tree, secrets=tmp_path) == []
    (tmp_path / file).write_text("a secret")
    assert mistakes_of(tree, secrets=tmp_path) == []


@pytest.mark.parametrize(
    "file",
    [
        "receiver_token",
        "/run/secrets/store_secret_key",
        ".receiver_token.previous",
        "artifacts/grok",
        "supervisor/password",
        "../receiver.yaml",
    ],
)
def test_a_channel_is_not_given_a_secret_of_the_installation(file: str, tmp_path: Path) -> None:
    channel = f"type: webhook, url: 'https://example.org', token_file: {file}"
    assert "is no secret of a channel" in mistakes_of(written(tmp_path, "", f"{{it: {{{channel}}}}}"))[0]


@pytest.mark.parametrize(
    "channel", ["type: slack, channel: '#x', enabled: false", "type: webhook, url: 'https://example.org'", EMAIL]
)
def test_a_channel_that_is_off_or_has_no_secret_needs_none(channel: str, tmp_path: Path) -> None:
    assert mistakes_of(written(tmp_path, "", f"{{it: {{{channel}}}}}"), secrets=tmp_path) == []


def test_an_interval_of_a_group_without_alerts_is_named(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    file = tmp_path / "config/alerts.yaml"
    file.write_text("disable: [Watchdog]\nintervals: {livness: 30s}\nshipped: true\n")
    found = [problem for problem in mistakes_of(FolderTree(tmp_path)) if "intervals" in problem]
    assert found == [
        "config/alerts.yaml:2: intervals.livness: no alert has the group 'livness'; did you mean 'liveness'?"
    ]
    file.write_text("shipped: false\n")
    assert [problem for problem in mistakes_of(FolderTree(tmp_path)) if "intervals" in problem] == []

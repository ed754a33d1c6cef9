"""Grafana's files have the documented form, and the content of Prometheus' and Alertmanager's.

Covers: alerting.generate.grafana.contacts, alerting.generate.grafana.deleted, alerting.generate.grafana.provisioning,
alerting.generate.grafana.rules.
"""

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerting.generate.build import (
    GRAFANA_DELETED,
    GRAFANA_FILES,
    GRAFANA_RULES,
    files,
    obsolete,
    read_provisioned_uids,
)
from alerting.generate.grafana.contacts import contact_points, policies
from alerting.generate.grafana.rules import groups
from alerting.generate.routes import alertmanager_config
from alerting.generate.rules import prometheus_rules
from alerting.model import ALERTS_FILE, AlertsFile
from commands.generated import write
from nervesys.clients.promql import selections
from nervesys.errors import NervesysError
from nervesys.settings import load, shipped_root
from tests.alerting.compilers import compiler_of, rules_in
from tests.alerting.generate.rules.kit import Case, Fires, of_store, step, watched

SETTINGS = load(flags={"NERVESYS_DEADMAN_URL": "https://example.org/alive?$key"}).settings
COMPILER = compiler_of(SETTINGS)
CHANNELS = {
    "slack": {"type": "slack", "channel": "#nervesys"},
    "email": {"type": "email", "to": "a@example.org", "from": "b@example.org", "smarthost": "mail.example.org:587"},
    "pager": {"type": "webhook", "url": "https://example.org/hook", "token_file": "pager_token"},
    "telegram": {"type": "telegram", "chat_id": -100200},
}
SECRETS = Path("/secrets")


def alerts_of(engine: str) -> AlertsFile:
    """The shipped alerts, with every kind of channel enabled."""
    written = yaml.safe_load((shipped_root() / ALERTS_FILE).read_text())
    return AlertsFile.model_validate(written | {"engine": engine, "channels": CHANNELS})


ALERTS = alerts_of("grafana")
GROUPS = groups(COMPILER, ALERTS)
RULES = [rule for group in GROUPS for rule in group["rules"]]
CONTACTS = {item["name"]: item["receivers"] for item in contact_points(SETTINGS, ALERTS, SECRETS)}

GROUP = {"orgId": int, "name": str, "folder": str, "interval": str, "rules": list}
RULE = {
    "uid": str,
    "title": str,
    "condition": str,
    "data": list,
    "for": str,
    "noDataState": str,
    "execErrState": str,
    "labels": dict,
    "annotations": dict,
}
STAGE = {"refId": str, "datasourceUid": str, "relativeTimeRange": dict, "model": dict}
CONTACT = {"uid": str, "type": str, "disableResolveMessage": bool, "settings": dict}
STATES = {
    "noDataState": {"NoData", "OK", "Alerting", "KeepLast"},
    "execErrState": {"Error", "OK", "Alerting", "KeepLast"},
}
SETTINGS_OF = {
    "webhook": {"url", "httpMethod", "authorization_scheme", "authorization_credentials", "tlsConfig"},
    "slack": {"url", "title", "text"},
    "email": {"addresses", "subject", "message"},
    "telegram": {"bottoken", "chatid", "message", "parse_mode"},
}


def has_shape(value: dict[str, Any], shape: Mapping[str, type]) -> None:
    """Every documented key with its type."""
    for key, kind in shape.items():
        assert isinstance(value[key], kind), (key, value)


def test_groups_and_rules_have_the_documented_shape() -> None:
    for group in GROUPS:
        has_shape(group, GROUP)
        assert group.keys() == GROUP.keys()
        assert re.fullmatch(r"\d+0s|\d+m", group["interval"]), "Grafana evaluates each ten seconds"
        titles = [rule["title"] for rule in group["rules"]]
        assert len(titles) == len(set(titles)), "a title stands in a folder once"
    assert len({(group["folder"], group["name"]) for group in GROUPS}) == len(GROUPS)
    titles_in_folders = [(group["folder"], rule["title"]) for group in GROUPS for rule in group["rules"]]
    assert len(set(titles_in_folders)) == len(titles_in_folders)
    assert {group["interval"] for group in GROUPS if group["name"] == "liveness"} == {"20s"}
    assert {group["interval"] for group in GROUPS if group["name"] == "storage"} == {"1m"}
    for rule in RULES:
        has_shape(rule, RULE)
        assert rule.keys() - RULE.keys() <= {"keepFiringFor"}
        for key, allowed in STATES.items():
            assert rule[key] in allowed
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", rule["uid"])
    assert len({rule["uid"] for rule in RULES}) == len(RULES)


def test_a_query_a_number_and_a_threshold_make_it_fire() -> None:
    for rule in RULES:
        for stage in rule["data"]:
            has_shape(stage, STAGE)
            assert stage["model"]["refId"] == stage["refId"]
        query, there, beyond = rule["data"]
        assert query["datasourceUid"] == SETTINGS.grafana.datasource_uid
        assert (query["model"]["instant"], query["model"]["range"]) == (True, False)
        assert there["datasourceUid"] == beyond["datasourceUid"] == "__expr__"
        assert (there["model"]["type"], there["model"]["expression"]) == ("math", "is_number($A)")
        assert (beyond["model"]["type"], beyond["model"]["expression"]) == ("threshold", there["refId"])
        assert beyond["model"]["conditions"] == [{"evaluator": {"type": "gt", "params": [0]}}]
        assert rule["condition"] == beyond["refId"]


def _without_details(expr: str) -> str:
    """A rule of Prometheus without the details that messages take, which also restrict it to configured agents."""
    return re.sub(r"^\(\n(.*?)\n\)\n\* on \(agent\) group_left .*", r"\1", expr, flags=re.DOTALL)


def test_each_rule_of_prometheus_has_its_counterpart() -> None:
    written = rules_in(prometheus_rules(COMPILER, alerts_of("prometheus")))
    theirs = {(rule["alert"], rule["labels"]["severity"]): rule for rule in written}
    ours = {(rule["title"], rule["labels"]["severity"]): rule for rule in RULES}
    assert ours.keys() == theirs.keys()
    for key, rule in ours.items():
        expr = rule["data"][0]["model"]["expr"]
        assert _without_details(theirs[key]["expr"]) in expr
        assert selections(expr)
        assert rule["for"] == theirs[key].get("for", "0s")
        assert rule.get("keepFiringFor") == theirs[key].get("keep_firing_for")


@pytest.mark.parametrize(
    ("title", "severity", "hidden_by"),
    [
        (
            "HighCPU",
            "warning",
            "unless on (server) (\nmax by (server) (\n  min_over_time(nervesys_server_cpu_ratio[10m]) > 0.9",
        ),
        (
            "BufferFilling",
            "critical",
            "unless on (agent) (\nmin by (agent) (\n  (nervesys_exporter_last_success_timestamp_seconds{",
        ),
        ("HighCPU", "critical", None),
    ],
)
def test_a_worse_alert_hides_a_lesser_one(title: str, severity: str, hidden_by: str | None) -> None:
    (rule,) = (item for item in RULES if (item["title"], item["labels"]["severity"]) == (title, severity))
    expr = rule["data"][0]["model"]["expr"]
    assert (hidden_by in expr) if hidden_by else ("unless on" not in expr)


def test_what_is_hidden_is_silent_while_the_worse_one_fires(program: Callable[[str], str], tmp_path: Path) -> None:
    empty_rules = {"summary": ""}
    rules = [
        {
            "alert": "HighCPU",
            "expr": item["data"][0]["model"]["expr"],
            "labels": item["labels"],
            "annotations": empty_rules,
        }
        for item in RULES
        if item["title"] == "HighCPU"
    ]
    busy = watched() | {of_store("server_cpu_ratio", server="web-1"): step(3600, 0.85, 0.95)}
    labels = {"server": "web-1"}
    case = Case(
        "HighCPU", "busy, then busier", busy, fires=(Fires(3600, "", "warning", labels), Fires(7200, "", labels=labels))
    )
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "tested", "rules": rules}]}))
    (tmp_path / "test.yml").write_text(yaml.safe_dump(case.as_promtool("rules.yml")))
    command = [program("promtool"), "test", "rules", str(tmp_path / "test.yml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_templates_take_the_value_of_the_query() -> None:
    (rule,) = (item for item in RULES if item["title"] == "AgentDown")
    annotations = rule["annotations"]
    assert annotations["summary"] == "{{ $labels.agent }} has been silent for {{ $values.A.Value | humanizeDuration }}"
    assert annotations["dashboard_url"].endswith("?var-agent_name={{ $labels.agent }}")
    assert not any("${" in text or "$$" in text for item in RULES for text in item["annotations"].values())


def test_blindness_keeps_what_is_known_and_ends_the_dead_mans_switch() -> None:
    states = {(rule["title"] == "Watchdog"): rule["execErrState"] for rule in RULES}
    assert states == {True: "OK", False: "KeepLast"}
    assert {rule["noDataState"] for rule in RULES} == {"OK"}


def test_contact_points_have_the_documented_shape() -> None:
    assert list(CONTACTS) == ["actions", "deadman", "slack", "email", "pager", "telegram"]
    receivers = [item for several in CONTACTS.values() for item in several]
    for item in receivers:
        has_shape(item, CONTACT)
        assert item["settings"]
        assert item["settings"].keys() <= SETTINGS_OF[item["type"]]
    assert len({item["uid"] for item in receivers}) == len(receivers)


def test_the_receiver_is_notified_at_its_own_path_with_its_token() -> None:
    (item,) = CONTACTS["actions"]
    assert item["settings"] == {
        "url": "http://127.0.0.1:17010/api/v1/grafana",
        "httpMethod": "POST",
        "authorization_scheme": "Bearer",
        "authorization_credentials": "$__file{/secrets/receiver_token}",
    }
    assert item["disableResolveMessage"] is False


def values(content: Any) -> Iterator[str]:
    """Every text in it."""
    for item in content.values() if isinstance(content, dict) else content if isinstance(content, list) else ():
        yield from values(item)
    if isinstance(content, str):
        yield content


def test_nothing_is_replaced_but_the_files_of_secrets() -> None:
    """What Grafana would expand: `$` that is neither doubled nor the file of a secret."""
    for text in values([CONTACTS, policies(SETTINGS, ALERTS), [rule["labels"] for rule in RULES]]):
        assert "$" not in re.sub(r"\$\$|\$__file\{/secrets/[a-z_]+\}", "", text)
    assert CONTACTS["deadman"][1]["settings"]["url"] == "https://example.org/alive?$$key"


def test_the_same_people_hear_of_the_same_alerts_as_from_alertmanager() -> None:
    (tree,) = policies(SETTINGS, ALERTS)
    theirs = alertmanager_config(COMPILER, ALERTS, SECRETS)["route"]
    assert tree["receiver"] in CONTACTS
    for ours, route in zip(tree["routes"], theirs["routes"], strict=True):
        ((label, operator, names),) = ours.pop("object_matchers")
        (matcher,) = route.pop("matchers")
        assert matcher == f'{label} {operator} "{names}"'
        assert ours == route
        assert ours["receiver"] in CONTACTS


def test_rules_that_are_gone_are_deleted_in_grafana(tmp_path: Path) -> None:
    """It keeps what it was once given, and would go on evaluating beside Prometheus."""

    def built(alerts: AlertsFile) -> tuple[set[str], set[str]]:
        """What it is given, and what it has to delete, by a build over the files of the one before."""
        wanted = files(COMPILER, alerts, SECRETS, before=read_provisioned_uids(tmp_path))
        write(tmp_path, wanted, check=False, obsolete=obsolete(wanted))
        there = {name: tmp_path / name for name in (GRAFANA_RULES, GRAFANA_DELETED) if (tmp_path / name).exists()}
        read = {name: yaml.safe_load(path.read_text()) for name, path in there.items()}
        groups = read.get(GRAFANA_RULES, {}).get("groups", [])
        deleted = read.get(GRAFANA_DELETED, {}).get("deleteRules", [])
        assert all(item["orgId"] == 1 for item in deleted)
        return {rule["uid"] for group in groups for rule in group["rules"]}, {item["uid"] for item in deleted}

    by_prometheus = alerts_of("prometheus")
    fewer = ALERTS.model_copy(update={"alerts": ALERTS.alerts[1:]})
    assert built(by_prometheus) == (set(), set()), "it was never given any"
    every, none = built(ALERTS)
    assert (len(every), none) == (len(RULES), set())
    some, gone = built(fewer)
    assert gone == every - some == {"nervesys-agent-down-critical"}
    assert built(by_prometheus) == (set(), every)
    assert built(by_prometheus) == (set(), every), "whoever was away hears of it later"
    assert built(ALERTS) == (every, set())
    for damaged in (b"groups: [torn", b"\xff\xfe"):
        (tmp_path / GRAFANA_RULES).write_bytes(damaged)
        with pytest.raises(NervesysError, match="not as they were written"):
            built(ALERTS)


def test_one_engine_evaluates(tmp_path: Path, program: Callable[[str], str]) -> None:
    by_grafana, by_prometheus = (files(COMPILER, alerts_of(item), SECRETS) for item in ("grafana", "prometheus"))
    assert set(GRAFANA_FILES) <= by_grafana.keys()
    assert not set(GRAFANA_FILES) & by_prometheus.keys()
    assert set(obsolete(by_grafana)) >= by_prometheus.keys() - by_grafana.keys()
    assert set(obsolete(by_prometheus)) >= by_grafana.keys() - by_prometheus.keys()
    scraping = yaml.safe_load(by_grafana["prometheus/prometheus.yml"])
    assert "alerting" not in scraping
    assert scraping["rule_files"] == ["rules/recording.yml"], "what dashboards ask, and no alert"
    (tmp_path / "alertmanager.yml").write_text(by_grafana["alertmanager/alertmanager.yml"])
    command = [program("amtool"), "check-config", str(tmp_path / "alertmanager.yml")]
    assert subprocess.run(command, capture_output=True, timeout=30).returncode == 0


def test_files_are_read_back_as_they_were_meant() -> None:
    written = files(COMPILER, ALERTS, SECRETS)
    rules, contacts, tree = (yaml.safe_load(written[name]) for name in GRAFANA_FILES)
    assert rules == {"apiVersion": 1, "groups": GROUPS}
    assert contacts == {"apiVersion": 1, "contactPoints": contact_points(SETTINGS, ALERTS, SECRETS)}
    assert tree == {"apiVersion": 1, "policies": policies(SETTINGS, ALERTS)}
    assert all("&id" not in written[name] for name in GRAFANA_FILES)

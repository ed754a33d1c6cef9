"""`nervesys grafana push`, against a server that keeps what it is given.

Covers: commands.grafana_objects, commands.grafana_plan, nervesys.clients.grafana.
"""

import copy
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from commands.grafana import app
from dashboards.build import pages
from nervesys.clients.grafana import GrafanaApi, GrafanaUnavailable
from nervesys.errors import NervesysError
from nervesys.settings import load
from tests.servers.grafana import TOKEN, GrafanaServer, grafana
from tests.servers.trickling import PHASES, trickling

RUN = CliRunner()
ALERTS = "engine: {engine}\nchannels: {{slack: {{enabled: true}}}}\n"


@pytest.fixture
def server() -> Iterator[GrafanaServer]:
    with grafana() as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, server: GrafanaServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with secrets and a brain whose Grafana is the server."""
    secrets = tmp_path / "home/secrets"
    secrets.mkdir(parents=True)
    for name in ("slack_url", "receiver_token"):
        (secrets / name).write_text(f"https://{name}.example.org")
        (secrets / name).chmod(0o600)
    (tmp_path / "brain/config").mkdir(parents=True)
    (tmp_path / "brain/config/grafana.yaml").write_text(f"url: {server.url}\n")
    evaluated_by(tmp_path, "grafana")
    monkeypatch.setenv("GRAFANA_API_KEY", TOKEN)
    return tmp_path


def evaluated_by(home: Path, engine: str, more: str = "") -> None:
    (home / "brain/config/alerts.yaml").write_text(ALERTS.format(engine=engine) + more)


def push(home: Path, *options: str) -> Result:
    done = RUN.invoke(app, ["push", "--home", str(home / "home"), "--brain", str(home / "brain"), *options])
    assert done.exit_code == 0, done.output + repr(done.exception)
    return done


def refusal(home: Path, *options: str) -> str:
    done = RUN.invoke(app, ["push", "--home", str(home / "home"), "--brain", str(home / "brain"), *options])
    assert isinstance(done.exception, NervesysError), done.output
    return str(done.exception)


def test_everything_is_there_after_a_push_and_a_second_one_writes_nothing(home: Path, server: GrafanaServer) -> None:
    shown = push(home, "--full").output
    assert set(server.dashboards) == {page["uid"] for page in pages(load())}
    assert {"nervesys", "nervesys-alerts-critical", "nervesys-alerts-warning"} <= server.folders.keys()
    assert set(server.datasources) == {"nervesys-prometheus", "nervesys-alertmanager", "nervesys-logs"}
    rule = server.rules["nervesys-agent-down-critical"]
    assert (rule["folderUID"], rule["ruleGroup"], rule["title"]) == (
        "nervesys-alerts-critical",
        "liveness",
        "AgentDown",
    )
    assert rule["keep_firing_for"]
    assert "$values.A.Value" in str(rule["annotations"])
    slack = next(point for point in server.contacts.values() if point["name"] == "nervesys-slack")
    assert slack["settings"]["url"] == "https://slack_url.example.org"
    assert "$$" not in str(server.contacts)
    (own,) = server.policies["routes"]
    assert (own["receiver"], server.policies["receiver"]) == ("nervesys-actions", "grafana-default-email")
    assert {route["receiver"] for route in own["routes"]} == {"nervesys-deadman", "nervesys-actions", "nervesys-slack"}
    assert "slack_url.example.org" not in shown, "a diff shows no secret"
    assert "$__file{" in shown
    server.writes.clear()
    assert "is up to date" in push(home).output
    assert server.writes == []


def test_a_dry_run_shows_the_difference_and_writes_nothing(home: Path, server: GrafanaServer) -> None:
    shown = push(home, "--dry-run").output
    assert "create folder nervesys\n" in shown
    assert "would be made" in shown
    assert server.writes == []
    push(home)
    server.rules["nervesys-agent-down-critical"]["for"] = "7m"
    server.writes.clear()
    shown = push(home, "--dry-run").output
    assert "update rule group nervesys-alerts-critical/liveness" in shown
    assert "-  for: 7m" in shown
    assert server.writes == []


def test_only_what_changed_is_written(home: Path, server: GrafanaServer) -> None:
    push(home)
    server.dashboards["main-overview"]["dashboard"]["title"] = "Changed by hand"
    server.writes.clear()
    push(home)
    assert server.writes == [("POST", "/api/dashboards/db")]
    server.writes.clear()
    push(home, "--secrets")
    assert {path.rpartition("/")[0] for _, path in server.writes} == {"/api/v1/provisioning/contact-points"}


def test_what_others_made_is_neither_replaced_nor_deleted(home: Path, server: GrafanaServer) -> None:
    theirs = {"receiver": "grafana-default-email", "object_matchers": [["team", "=", "web"]]}
    server.policies["routes"] = [theirs]
    server.folders["nervesys"] = {"uid": "nervesys", "title": "Nervesys"}
    server.respond(
        "POST", "/api/dashboards/db", {"folderUid": "nervesys", "dashboard": {"uid": "mine", "tags": ["nervesys"]}}
    )
    server.contacts["mine"] = {"uid": "mine", "name": "mine", "type": "email", "settings": {}}
    server.datasources["nervesys-prometheus"] = {"uid": "nervesys-prometheus", "url": "https://cloud", "jsonData": {}}
    push(home)
    mine = {"uid": "mine", "title": "Mine", "folderUID": "nervesys-alerts-critical", "ruleGroup": "liveness"}
    server.rules["mine"] = mine
    server.rules["nervesys-agent-down-critical"]["for"] = "7m"
    assert "keep data source nervesys-prometheus" in push(home).output
    evaluated_by(home, "prometheus")
    push(home)
    assert server.dashboards["mine"]["dashboard"]["tags"] == ["nervesys"]
    assert server.datasources["nervesys-prometheus"]["url"] == "https://cloud"
    assert (set(server.contacts), set(server.rules)) == ({"mine"}, {"mine"})
    assert server.policies["routes"] == [theirs]


def test_what_is_no_longer_wanted_is_deleted(home: Path, server: GrafanaServer) -> None:
    push(home)
    old = copy.deepcopy(server.dashboards["main-overview"])
    old["dashboard"]["uid"] = "of-an-older-release"
    server.dashboards["of-an-older-release"] = old
    evaluated_by(home, "grafana", "disable: [Agent Stopped]\n")
    shown = push(home).output
    assert "delete dashboard nervesys/of-an-older-release" in shown
    assert "of-an-older-release" not in server.dashboards
    assert "nervesys-agent-stopped-warning" not in server.rules


def test_a_dashboard_of_somebody_else_with_the_same_uid_is_refused(home: Path, server: GrafanaServer) -> None:
    server.dashboards["main-overview"] = {"dashboard": {"uid": "main-overview", "tags": []}, "meta": {"folderUid": ""}}
    assert "was not made by" in refusal(home)
    assert server.writes == []


def test_a_missing_secret_is_named_before_anything_is_written(home: Path, server: GrafanaServer) -> None:
    (home / "home/secrets/slack_url").unlink()
    assert "slack_url" in refusal(home)
    assert server.writes == []


def test_a_wrong_key_and_a_server_that_is_away_are_named(
    home: Path, server: GrafanaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAFANA_API_KEY", "wrong")
    assert "HTTP 401" in refusal(home)
    monkeypatch.delenv("GRAFANA_API_KEY")
    assert "GRAFANA_API_KEY" in refusal(home)
    monkeypatch.setenv("GRAFANA_API_KEY", TOKEN)
    (home / "brain/config/grafana.yaml").write_text("url: http://127.0.0.1:1\n")
    assert "cannot connect" in refusal(home)
    (home / "brain/config/grafana.yaml").write_text("url: ''\n")
    assert "names no Grafana" in refusal(home)


def test_a_grafana_that_trickles_is_left_at_the_deadline() -> None:
    with trickling(PHASES["headers"], b"1") as url, pytest.raises(GrafanaUnavailable, match="timed out"):
        GrafanaApi(url, TOKEN, 0.3).list_rules()

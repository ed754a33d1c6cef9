"""A test of the chain where Grafana evaluates: it is sent as Grafana would, to a receiver that is served."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pydantic import SecretStr
from typer.testing import CliRunner

from alerting.journal import Journal
from alerting.receiver import metrics
from alerting.receiver.fleet import FleetConfig, FleetSource, read_fleet
from alerting.receiver.local import LocalFile
from alerting.receiver.program import Receiver
from commands import trial
from commands.alerts import app
from nervesys.errors import NervesysError
from nervesys.metrics.pages import serve_in_background
from nervesys.settings import shipped_root
from nervesys.settings.web import Web
from nervesys.stores.open_stores import load_configuration
from tests.commands.diagnosis.world import serving
from tests.servers.s3 import free_port
from tests.stores import FolderStore

TOKEN = "a-secret-token-of-tests"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home whose brain lets Grafana evaluate, and its receiver running on an empty store."""
    brain, home, listen = tmp_path / "brain", tmp_path / "home", f"127.0.0.1:{free_port()}"
    (brain / "config/agents").mkdir(parents=True)
    (home / "secrets").mkdir(parents=True)
    (home / "receiver.yaml").write_text("actions: {mode: act}\n")
    (home / "secrets/receiver_token").write_text(TOKEN)
    alerts = yaml.safe_load((shipped_root() / "config/alerts.yaml").read_text()) | {"engine": "grafana"}
    (brain / "config/alerts.yaml").write_text(yaml.safe_dump(alerts))
    monitoring = yaml.safe_load((shipped_root() / "config/monitoring.yaml").read_text())
    monitoring["listen"]["receiver"] = listen
    monitoring["sources"]["store"]["refresh"]["agents"] = 2
    (brain / "config/monitoring.yaml").write_text(yaml.safe_dump(monitoring))
    thresholds = yaml.safe_load((shipped_root() / "config/thresholds.yaml").read_text())
    thresholds["heartbeat"]["interval_seconds"] = 0.1
    (brain / "config/thresholds.yaml").write_text(yaml.safe_dump(thresholds))
    (brain / "config/agents/grok.yaml").write_text("agent: {name: grok}\n")
    monkeypatch.setenv("NERVESYS_HOME", str(home))
    monkeypatch.setenv("NERVESYS_BRAIN", str(brain))
    environ = {"NERVESYS_HOME": str(home), "NERVESYS_BRAIN": str(brain)}

    def read() -> FleetConfig:
        return read_fleet(load_configuration("receiver", environ))

    local = LocalFile().model_copy(update={"token": SecretStr(TOKEN)})
    journal = Journal.open(f"sqlite:///{home / 'journal.sqlite3'}")
    receiver = Receiver(FleetSource(read), local, journal, FolderStore(tmp_path), None)
    with serve_in_background(receiver.application(), listen, Web()):
        yield home


def test_it_is_sent_as_grafana_would_and_observed(home: Path) -> None:
    result = CliRunner().invoke(app, ["test", "Agent Down", "--agent", "grok"], catch_exceptions=False)
    assert result.exit_code == 0
    for words in (
        "sent AgentDown to the receiver, as Grafana would, marked as a test",
        "the receiver recorded it as episode 1",
        "restart_agent: skipped (observed) a test; it would be: ",
        "test alert resolved",
    ):
        assert words in result.output


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        (["Agent Don", "--agent", "grok"], "did you mean 'Agent Down'?"),
        (["Agent Down"], "--agent NAME"),
        (["Agent Down", "--agent", "grook"], "--agent grook: is not in the brain; did you mean 'grok'?"),
        (["Agent Don", "--agent", "grook"], "did you mean 'Agent Down'?"),
        (["Agent Down", "--agent", "grok", "--label", "zone"], "--label zone: must be NAME=VALUE"),
    ],
)
def test_wrong_use_is_an_error(home: Path, argv: list[str], problem: str) -> None:
    result = CliRunner().invoke(app, ["test", *argv])
    assert (result.exit_code, problem in result.output) == (2, True)


def test_a_wrong_token_is_an_error(home: Path) -> None:
    (home / "secrets/receiver_token").write_text("another-token-of-this-test")
    result = CliRunner().invoke(app, ["test", "Agent Down", "--agent", "grok"])
    assert "HTTP 401: the bearer token is missing or wrong" in str(result.exception)


@pytest.mark.parametrize(
    ("accepted_at", "reason"),
    [(1_000.0, "has none of this alert"), (100.0, "accepted no webhook"), (None, "no webhook")],
)
def test_a_test_that_never_arrives_ends_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, accepted_at: float | None, reason: str
) -> None:
    name = metrics.LAST_RECEIVED.full_name
    pages = {"/metrics": (200, f'{name}{{sender="alertmanager"}} {accepted_at}\n')} if accepted_at else {}
    monkeypatch.setattr(trial, "system_clock", lambda: 1_010.0)
    with serving(pages) as address:
        assert reason in trial._why_not_received(address, Web(), start=900.0)
    with pytest.raises(NervesysError, match="the time of --wait is up: no reason"):
        trial._wait_until(deadline=0, problem=lambda: "no reason")

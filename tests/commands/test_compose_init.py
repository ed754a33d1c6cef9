"""`nervesys compose-init`: what it creates, and that it keeps what is the operator's.

Covers: commands.compose_init.
"""

import gzip
import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from commands.compose_init import app
from nervesys.agent import demo_history
from nervesys.artifacts.tokens import ADMIN


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which it ran once."""
    monkeypatch.setenv("NERVESYS_PROFILE", "local,compose")
    monkeypatch.setenv("NERVESYS_HOME", str(tmp_path / "home"))
    init(tmp_path)
    return tmp_path


def init(folder: Path, *more: str) -> None:
    options = {"brain": "brain.git", "archive": "archive", "secrets": "secrets", "agents-home": "agents"}
    argv = [f"--{name}={folder / path}" for name, path in options.items()]
    ran = CliRunner().invoke(app, [*argv, "--url=grafana=http://127.0.0.1:1/", *more])
    assert ran.exit_code == 0, ran.output


@pytest.mark.parametrize("url", ["grafana", "=http://127.0.0.1:1/", "grafana="])
def test_an_address_without_service_or_url_is_a_wrong_argument(tmp_path: Path, url: str) -> None:
    options = {"brain": "brain.git", "archive": "archive", "secrets": "secrets", "agents-home": "agents"}
    ran = CliRunner().invoke(app, [*(f"--{name}={tmp_path / path}" for name, path in options.items()), f"--url={url}"])
    assert ran.exit_code == 2
    assert "must be SERVICE=URL" in ran.output
    assert list(tmp_path.iterdir()) == []


def test_a_second_start_changes_nothing_of_the_operators(made: Path) -> None:
    receiver = made / "secrets/receiver/receiver.yaml"
    receiver.write_text("drivers: {}\n")
    keys = [path for path in (made / "secrets").rglob("*") if path.is_file()]
    before = {path: path.read_bytes() for path in keys}
    init(made)
    assert {path: path.read_bytes() for path in keys} == before


def test_agents_get_their_own_store_key_and_no_administrators_token(made: Path) -> None:
    secrets = made / "secrets"
    tokens = {path.name for path in (secrets / "agents-artifacts").iterdir()}
    assert ADMIN not in tokens
    assert {path.name for path in (secrets / "artifacts").iterdir()} == tokens | {ADMIN}
    keys = [(secrets / folder / "store_access_key").read_text() for folder in ("store", "agents-store")]
    assert len(set(keys)) == 2
    password = (secrets / "supervisor/password").read_text()
    assert password not in (secrets / "supervisord/supervisord.conf").read_text()
    assert yaml.safe_load((secrets / "receiver/receiver.yaml").read_text())["drivers"]["supervisor"]


def test_the_agents_container_knows_the_whole_stack(made: Path) -> None:
    services = {
        service["name"]: service for service in json.loads((made / "agents/stack.json").read_text())["services"]
    }
    assert services["grafana"]["url"] == "http://127.0.0.1:1/"
    assert services["grok"]["agent"]


def test_a_fleet_of_ones_own_gets_keys_and_nothing_of_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    brain = tmp_path / "own/config/agents"
    brain.mkdir(parents=True)
    (brain / "mine.yaml").write_text("agent: {name: mine}\n")
    monkeypatch.setenv("NERVESYS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NERVESYS_BRAIN", str(tmp_path / "own"))
    init(tmp_path, "--no-demo")
    secrets = tmp_path / "secrets"
    assert {path.name for path in (secrets / "agents-artifacts").iterdir()} == {"mine"}
    assert yaml.safe_load((secrets / "receiver/receiver.yaml").read_text()).keys() == {"token_file", "approvals"}
    assert not (tmp_path / "archive").exists()
    assert not (tmp_path / "brain.git").exists()


def test_a_new_demo_has_a_past_for_prometheus_and_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NERVESYS_PROFILE", "local,compose")
    monkeypatch.setenv("NERVESYS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(demo_history, "DAYS", 2)
    (tmp_path / "receiver").mkdir()
    options = (f"--history={tmp_path / 'history'}", f"--receiver-home={tmp_path / 'receiver'}")
    init(tmp_path, *options)
    (samples,) = (tmp_path / "history").glob("*.om.gz")
    text = gzip.decompress(samples.read_bytes()).decode()
    assert all(f"\n{name}{{" in text for name in ("nervesys_log_records_total", "ALERTS", "slo:good_events:ratio"))
    assert (tmp_path / "receiver/journal.sqlite3").is_file()
    samples.unlink()
    init(tmp_path, *options)
    assert not list((tmp_path / "history").glob("*.om.gz")), "it may overlap what Prometheus has by now"


def test_a_password_for_postgresql_is_made_once_and_only_where_it_is_asked_for(made: Path) -> None:
    journal = made / "secrets/journal"
    assert not journal.exists()
    init(made, "--journal-user=nervesys")
    password = (journal / "password").read_text()
    assert (journal / "pgpass").read_text() == f"*:*:*:nervesys:{password}\n"
    assert (journal / "pgpass").stat().st_mode & 0o777 == 0o400
    init(made, "--journal-user=nervesys")
    assert (journal / "password").read_text() == password


def test_the_receivers_home_leads_to_all_secrets(made: Path) -> None:
    init(made, f"--receiver-home={made / 'receiver'}")
    assert (made / "receiver/secrets/receiver/receiver_token").is_file()

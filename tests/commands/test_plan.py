"""What shall run: complete, the same each time, deaf to stores elsewhere, and nothing of a wrong configuration.

Covers: nervesys.stack.grafana.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from commands import plan
from dashboards.build import recording_rules
from nervesys.errors import NervesysError, SettingsError
from nervesys.settings import StartupSettings, load
from nervesys.stack import programs
from nervesys.stack.ports import PortsTaken
from tests.conftest import PROGRAMS

ELSEWHERE = {
    "PATH": "/usr/bin:/bin",
    "STORJ_SECRET_KEY": "production",
    "AWS_PROFILE": "production",
    "GITHUB_TOKEN": "production",
    "GDRIVE_FOLDER_ID": "production",
}


@pytest.fixture
def place(tmp_path: Path, program: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> StartupSettings:
    program("prometheus")
    monkeypatch.setattr("nervesys.stack.ports.check", lambda _: None)  # a stack may run on this machine
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # the folder of supervisor's socket goes with the test
    (tmp_path / "home").mkdir()
    (tmp_path / "home/programs").symlink_to(PROGRAMS)
    return StartupSettings(tmp_path / "home")


def made(place: StartupSettings) -> plan.StackPlan:
    return plan.make(place, None, ELSEWHERE, clock=lambda: 1.0, demo=True)


def test_the_same_home_plans_the_same_stack(place: StartupSettings) -> None:
    first = made(place)
    assert first == made(place)
    assert first.stack.agents == ("chatgpt", "copilot", "deepseek", "gimai", "grok")
    assert {"stack.json", "supervisord.conf", "receiver.yaml", "provisioning/prometheus/prometheus.yml"} <= set(
        first.files
    )


def test_prometheus_loads_what_is_recorded_for_the_pages(place: StartupSettings, program: Callable[[str], str]) -> None:
    for path, text in made(place).files.items():
        (place.home / path).parent.mkdir(parents=True, exist_ok=True)
        (place.home / path).write_text(text)
    command = [program("promtool"), "check", "config", str(place.home / "provisioning/prometheus/prometheus.yml")]
    output = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    count = sum(len(group["rules"]) for group in recording_rules(load(profile=plan.PROFILE))["groups"])
    assert f"recording.yml\n  SUCCESS: {count} rules found" in output


def test_nothing_of_the_demo_reaches_stores_elsewhere_and_no_file_holds_a_key(place: StartupSettings) -> None:
    planned = made(place)
    assert planned.inherited == {"PATH": "/usr/bin:/bin"}
    assert planned.stack.environ["STORJ_ENDPOINT"] == "http://127.0.0.1:17900"
    everything = "\n".join(planned.files.values()) + str(planned.stack)
    for key in filter(Path.is_file, (place.home / "secrets").rglob("*")):
        assert key.read_text() not in everything


def test_a_wrong_brain_plans_nothing_and_reports_every_error(place: StartupSettings, tmp_path: Path) -> None:
    (tmp_path / "brain/config").mkdir(parents=True)
    (tmp_path / "brain/config/thresholds.yaml").write_text("cpu: {warning: 95, critical: 90}\n")
    (tmp_path / "brain/config/monitoring.yaml").write_text("listen: {page: '127.0.0.1:65536'}\n")
    (tmp_path / "brain/config/alerts.yaml").write_text("engine: zabbix\n")
    with pytest.raises(SettingsError) as wrong:
        made(StartupSettings(place.home, str(tmp_path / "brain")))
    problems = {mistake.key: mistake.problem for mistake in wrong.value.mistakes}
    assert problems["thresholds.cpu"] == "warning (95) must lie below critical (90)"
    assert problems["monitoring.listen.page"] == "must be HOST:PORT, such as 127.0.0.1:17001"
    assert "engine" in problems


def test_grafana_joins_where_it_is_found(
    place: StartupSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, defaults = tmp_path / "grafana/bin/grafana", tmp_path / "grafana/conf/defaults.ini"
    for file in (program, defaults):
        file.parent.mkdir(parents=True)
        file.touch(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    planned = made(place)
    assert planned.stack.service("grafana").argv == (
        str(program),
        "server",
        f"--homepath={tmp_path}/grafana",
        f"--config={place.home}/grafana.ini",
    )
    assert "http_port = 17300" in planned.files["grafana.ini"]
    home_page = planned.files["grafana.ini"].partition("default_home_dashboard_path = ")[2].splitlines()[0]
    assert str(Path(home_page).relative_to(place.home)) in planned.files
    assert "dashboard_url: http://127.0.0.1:17300/d/" in planned.files["provisioning/prometheus/rules/nervesys.yml"]
    assert planned.stack.environ["GRAFANA_URL"] == "http://127.0.0.1:17300", "for alerts that the receiver posts"


def test_without_grafana_alerts_link_to_the_page_that_runs(
    place: StartupSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = programs.find_installed
    monkeypatch.setattr(
        programs, "find_installed", lambda name, folder: None if name == "grafana" else found(name, folder)
    )
    planned = made(place)
    assert "dashboard_url: http://127.0.0.1:17080/d/" in planned.files["provisioning/prometheus/rules/nervesys.yml"]
    assert "GRAFANA_URL" not in planned.stack.environ


OWN = {
    "PATH": "/usr/bin:/bin",
    "STORJ_ACCESS_KEY": "AKID-secret",
    "STORJ_SECRET_KEY_FILE": "key",
    "GITHUB_REPOSITORY": "me/brain",
}


@pytest.fixture
def own(place: StartupSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StartupSettings:
    """A home with a brain of the operator's own, which is a plain folder."""
    config = tmp_path / "brain/config"
    (config / "agents").mkdir(parents=True)
    (config / "agents/ada.yaml").write_text("agent: {name: ada}\n")
    (config / "storage.yaml").write_text("storj: {endpoint: https://s3.example.org, bucket: b}\n")
    (config / "monitoring.yaml").write_text("sources: {workspace: {enabled: false}, artifacts: {enabled: false}}\n")
    (tmp_path / "key").write_text("another-secret")
    monkeypatch.chdir(tmp_path)
    return StartupSettings(place.home, str(tmp_path / "brain"))


def watching(own: StartupSettings, **changes: str) -> plan.StackPlan:
    return plan.make(own, None, OWN | changes, demo=False)


def test_with_a_brain_of_ones_own_only_the_monitoring_runs(own: StartupSettings) -> None:
    planned = watching(own)
    assert [service.name for service in planned.stack.services] == [
        "exporters",
        "receiver",
        "logs",
        "page",
        "alertmanager",
        "prometheus",
    ]
    assert planned.stack.agents == ()
    assert not (own.home / "s3").exists()
    assert not (own.home / "archive").exists()
    assert {path.name for path in (own.home / "secrets").iterdir()} == {"receiver_token", "approval_key"}


def test_a_telegram_channel_needs_an_alertmanager_that_knows_it(
    own: StartupSettings, tmp_path: Path, program: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert own.brain
    (Path(own.brain) / "config/alerts.yaml").write_text("channels: {telegram: {type: telegram, chat_id: 7}}\n")
    (own.home / "secrets").mkdir()
    (own.home / "secrets/telegram_token").write_text("a token")
    for version, fits in (("0.25.1", False), ("0.26.0", True), ("1.0.0", True)):
        fake = tmp_path / "bin/alertmanager"
        fake.parent.mkdir(exist_ok=True)
        fake.write_text(f"#!/bin/sh\necho 'alertmanager, version {version} (branch: x)' >&2\n")
        fake.chmod(0o755)
        monkeypatch.setenv("PATH", f"{fake.parent}:/usr/bin:/bin")
        if fits:
            assert "bot_token_file" in watching(own).files["provisioning/alertmanager/alertmanager.yml"]
        else:
            with pytest.raises(NervesysError, match=rf"at least Alertmanager 0\.26, and {fake} has version 0\.25"):
                watching(own)


def test_what_is_scraped_is_what_runs(own: StartupSettings) -> None:
    planned = watching(own)
    config = yaml.safe_load(planned.files["provisioning/prometheus/prometheus.yml"])
    jobs = {job["job_name"] for job in config["scrape_configs"]}
    services = {service.name for service in planned.stack.services}
    assert jobs == {*services, *planned.stack.service("exporters").sources}


def test_programs_have_the_store_of_the_brain_and_files_have_no_secret(own: StartupSettings) -> None:
    planned = watching(own)
    assert planned.inherited["STORJ_ACCESS_KEY"] == "AKID-secret"
    environ = planned.stack.environ
    assert "STORJ_ENDPOINT" not in environ
    assert (environ["STORJ_SECRET_KEY_FILE"], environ["GITHUB_REPOSITORY"]) == ("key", "me/brain")
    assert environ["NERVESYS_BRAIN"] == own.brain
    assert "secret" not in planned.stack.model_dump_json().replace("STORJ_SECRET_KEY_FILE", "").replace("secrets", "")


def test_the_operators_receiver_file_is_kept_and_an_empty_one_is_made_once(own: StartupSettings) -> None:
    assert yaml.safe_load(watching(own).files["receiver.yaml"]) == {"drivers": {}}
    (own.home / "receiver.yaml").write_text("drivers: {systemd: {servers: [a]}}\n")
    assert "receiver.yaml" not in watching(own).files
    with pytest.raises(NervesysError, match=r"receiver.yaml is your own, and the demo would replace it"):
        made(StartupSettings(own.home))
    assert not (own.home / "brain.git").exists()


def test_the_demo_never_writes_to_a_brain_of_ones_own(place: StartupSettings, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", "--bare", str(tmp_path / "own.git")], check=True)
    with pytest.raises(NervesysError, match="its agents would write there"):
        made(StartupSettings(place.home, str(tmp_path / "own.git")))


def test_a_receiver_file_that_is_no_text_is_the_operators_own(place: StartupSettings) -> None:
    (place.home / "receiver.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(NervesysError, match="is your own, and the demo would replace it"):
        made(place)


def test_an_empty_key_is_named_before_anything_starts(own: StartupSettings) -> None:
    with pytest.raises(SettingsError, match=r"STORJ_ACCESS_KEY: is empty; put the key of https://s3.example.org"):
        watching(own, STORJ_ACCESS_KEY="")


def test_ports_are_checked_before_anything_is_created(place: StartupSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: dict[str, str] = {}

    def refuse(addresses: dict[str, str]) -> None:
        checked.update(addresses)
        raise PortsTaken("taken")

    monkeypatch.setattr("nervesys.stack.ports.check", refuse)
    with pytest.raises(PortsTaken):
        made(place)
    assert {"127.0.0.1:17900", "127.0.0.1:17090", "127.0.0.1:17000"} < set(checked.values())
    assert not (place.home / "brain.git").exists()
    assert not (place.home / "run").exists()

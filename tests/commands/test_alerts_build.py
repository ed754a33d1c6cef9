"""`nervesys alerts build`: where its files find secrets, and that readers check them first."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from alerting.generate.build import PROMETHEUS_RULES
from alerting.generate.live import RefusedRule
from commands import alerts
from nervesys.settings import StartupSettings
from nervesys.stack import readers
from nervesys.stack.programs import find, find_installed
from nervesys.stack.readers import ALERTMANAGER
from tests.commands.conftest import Run


@pytest.fixture
def programs() -> Path:
    """The folder of downloaded programs."""
    find("promtool")
    return StartupSettings.of(os.environ).home / "programs"


def test_files_that_a_reader_refuses_replace_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: Path
) -> None:
    (tmp_path / "prometheus/rules").mkdir(parents=True)
    rules = tmp_path / PROMETHEUS_RULES
    rules.write_text("as before")

    def refuse(command: list[str], **_: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess(command, 1, "", f"{command[-1]}: bad rule")

    monkeypatch.setattr(readers, "find_installed", _installed(programs))
    monkeypatch.setattr(subprocess, "run", refuse)
    ran = run("alerts", "build", "--out", str(tmp_path), "--home", str(tmp_path / "home"))
    assert ran.code == 1
    assert f"promtool refuses it, and no file was replaced: {PROMETHEUS_RULES}: bad rule" in ran.err
    assert rules.read_text() == "as before"
    assert not (tmp_path / ALERTMANAGER).exists()


def _installed(programs: Path) -> Callable[[str, Path], Path | None]:
    return lambda name, _folder: find_installed(name, programs)


def test_the_paths_of_secrets_are_those_of_the_home_unless_given(run: Run, tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    build = ("alerts", "build", "--out", str(out), "--home", str(home))
    for arguments, folder in ((build, home / "secrets"), ((*build, "--secrets", "/elsewhere"), Path("/elsewhere"))):
        assert run(*arguments).code == 0
        assert f"credentials_file: {folder}/receiver_token" in (out / ALERTMANAGER).read_text()


def test_with_the_profile_of_compose_they_are_those_of_its_containers(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NERVESYS_PROFILE", "local,compose")
    assert run("alerts", "build", "--out", str(tmp_path), "--home", str(tmp_path / "home")).code == 0
    assert "credentials_file: /secrets/receiver/receiver_token" in (tmp_path / ALERTMANAGER).read_text()


def test_without_promtool_the_running_prometheus_is_asked(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "find_installed", lambda _name, _folder: None)
    build = ("alerts", "build", "--out", str(tmp_path / "out"), "--home", str(tmp_path / "home"))
    monkeypatch.setattr(alerts, "find_refused_rules", lambda _prometheus, _rules: [RefusedRule("Hot", "too new")])
    ran = run(*build)
    assert (ran.code, ran.err) == (1, "Failed: Hot: too new\n")
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(alerts, "find_refused_rules", lambda _prometheus, _rules: [])
    ran = run(*build)
    assert ran.code == 0
    assert "promtool is not on this machine; the Prometheus at http://127.0.0.1:17090 has parsed the rules" in ran.err
    assert "amtool is not on this machine; nothing has checked its file" in ran.err

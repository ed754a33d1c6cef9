"""Names and configurations with which an agent may start."""

from pathlib import Path

import pytest

from nervesys.agent.identity import Identity, identify, resolve_name
from nervesys.errors import SettingsError
from nervesys.stores.open_stores import load_configuration


def identity(brain: Path, server: str | None, environ: dict[str, str]) -> Identity:
    return identify("grok", server, load_configuration("test", {}, brain=str(brain)), environ, 0)


@pytest.mark.parametrize(
    ("flag", "environ", "server"),
    [
        ("flag-1", {"NERVESYS_SERVER": "env-1"}, "flag-1"),
        (None, {"NERVESYS_SERVER": "Env-1.Example"}, "env-1.example"),
        (None, {}, "machine"),
    ],
)
def test_the_server_is_flag_then_environment_then_host(
    brain: Path, monkeypatch: pytest.MonkeyPatch, flag: str | None, environ: dict[str, str], server: str
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "Machine")
    assert identity(brain, flag, environ).server == server


@pytest.mark.parametrize(
    ("called", "environ", "name"),
    [
        ("Grok", {"NERVESYS_AGENT": "gimai"}, "grok"),
        (None, {"NERVESYS_AGENT": "GIMAI"}, "gimai"),
        (None, {}, "machine"),
    ],
)
def test_the_name_is_given_or_from_the_environment_or_the_host_name(
    monkeypatch: pytest.MonkeyPatch, called: str | None, environ: dict[str, str], name: str
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "Machine.example")
    assert resolve_name(called, environ) == name


@pytest.mark.parametrize("called", ["../grok", "under_score", "a b", "-x"])
def test_what_is_no_name_reaches_no_path(called: str) -> None:
    with pytest.raises(SettingsError, match=r"agent: bad_name: not a name of an agent: .*set NERVESYS_AGENT"):
        resolve_name(called, {})


@pytest.mark.parametrize(
    ("files", "server", "problem"),
    [
        ({}, "under_score", r"NERVESYS_SERVER: .*under_score.*; set it, or pass --server"),
        (
            {"agents/grok.yaml": "agent:\n  enabled: false"},
            "host-1",
            r"grok.yaml:2: agent.enabled: is false",
        ),
        (
            {"storage.yaml": "storj: {paths: {active_logs: 'logs/{date}.gz'}}"},
            "host-1",
            r"config/storage.yaml:1: storj.paths.active_logs: .*needs \{agent\}, \{seq\} in the path",
        ),
        (
            {"storage.yaml": "storj: {paths: {agents: 'one.json'}}"},
            "host-1",
            r"storj.paths.agents: .*needs \{agent\}",
        ),
    ],
)
def test_what_keeps_an_agent_from_starting(brain: Path, files: dict[str, str], server: str, problem: str) -> None:
    for name, text in files.items():
        (brain / "config" / name).write_text(text)
    with pytest.raises(SettingsError, match=problem):
        identity(brain, server, {})

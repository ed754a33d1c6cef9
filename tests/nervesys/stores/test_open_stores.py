"""What a program starts from."""

import logging
from pathlib import Path

import pytest

from nervesys.errors import SettingsError
from nervesys.stores.open_stores import load_configuration
from tests.brains import write


def test_variables_hold_before_the_brain_is_read(tmp_path: Path) -> None:
    """The token is needed to fetch what may name the token."""
    write(tmp_path / "brain.git", {"config/agents/grok.yaml": b"agent: {name: grok}"})
    environ = {"GITHUB_TOKEN": "hunter2"}
    base = load_configuration("test", environ, home=str(tmp_path / "home"), brain=str(tmp_path / "brain.git"))
    assert list(base.loaded.agents) == ["grok"]
    token = base.loaded.settings.storage.brain.token
    assert token is not None
    assert token.get_secret_value() == "hunter2"
    assert base.loaded.origins["storage.brain.token"] == "environment GITHUB_TOKEN"


def test_a_program_that_runs_on_uses_the_newest_valid_commit(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    brain = tmp_path / "brain.git"
    for role in ("poet", "critic"):
        write(brain, {"config/agents/grok.yaml": f"agent: {{role: {role}}}".encode()})
    for mistake in ("perhaps", "never"):
        write(brain, {"config/agents/gimai.yaml": f"agent: {{enabled: {mistake}}}".encode()})
        write(brain, {"README.md": mistake.encode()})
    environ = {"NERVESYS_HOME": str(tmp_path / "home"), "NERVESYS_BRAIN": str(brain)}
    with pytest.raises(SettingsError):
        load_configuration("test", environ)
    with caplog.at_level(logging.ERROR, "nervesys"):
        used = load_configuration("test", environ, or_earlier=True)
    assert {name: agent.role for name, agent in used.loaded.agents.items()} == {"grok": "critic"}
    assert used.tree.read("README.md") is None, "the files are those of the same commit"
    [message] = caplog.messages
    assert "config/agents/gimai.yaml" in message


def test_without_a_valid_commit_the_mistakes_of_the_newest_are_reported(tmp_path: Path) -> None:
    brain = tmp_path / "brain.git"
    wrong, right = b"agent: {enabled: perhaps}", b"agent: {}"
    write(brain, {"config/agents/grok.yaml": wrong})
    write(brain, {"config/agents/grok.yaml": right, "config/agents/gimai.yaml": wrong})
    with pytest.raises(SettingsError, match=r"gimai\.yaml"):
        load_configuration("test", {}, home=str(tmp_path / "home"), brain=str(brain), or_earlier=True)

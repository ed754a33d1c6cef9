"""What a program starts from."""

from pathlib import Path

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

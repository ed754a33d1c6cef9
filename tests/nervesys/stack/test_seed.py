"""The local brain follows the configuration it was made from, until somebody else commits to it."""

from pathlib import Path

import pygit2
import pytest

from nervesys.errors import NervesysError
from nervesys.stack.seed import seed
from tests import brains


def history(repository: Path) -> list[str]:
    repo = pygit2.Repository(str(repository))
    return [commit.message for commit in repo.walk(repo.branches["main"].target)]


def test_a_brain_is_made_and_follows_its_folder_until_somebody_else_commits(tmp_path: Path) -> None:
    source, brain = tmp_path / "source", tmp_path / "brain.git"
    (source / "config/agents").mkdir(parents=True)
    (source / "config/agents/grok.yaml").write_text("agent: {}\n")
    (source / "notes.txt").write_text("stays out")

    seed(brain, source, 1.0)
    seed(brain, source, 2.0)
    assert len(history(brain)) == 1, "nothing changed, so nothing is committed"
    assert brains.read(brain, "config/agents/grok.yaml", "main") == b"agent: {}\n"
    assert "notes.txt" not in pygit2.Repository(str(brain)).branches["main"].peel(pygit2.Tree)

    (source / "config/agents/grok.yaml").write_text("agent: {role: poet}\n")
    seed(brain, source, 3.0)
    assert brains.read(brain, "config/agents/grok.yaml", "main") == b"agent: {role: poet}\n"

    brains.write(brain, {"config/agents/grok.yaml": b"agent: {role: critic}\n"})
    seed(brain, source, 4.0)
    assert brains.read(brain, "config/agents/grok.yaml", "main") == b"agent: {role: critic}\n"
    assert len(history(brain)) == 3


def test_a_repository_that_cannot_be_created_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NervesysError, match=f"create the repository {tmp_path}/file/brain.git: "):
        seed(tmp_path / "file/brain.git", tmp_path, 1.0)

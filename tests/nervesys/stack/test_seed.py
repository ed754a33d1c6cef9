"""The local brain follows the configuration it was made from, until somebody else commits to it."""

import os
import shutil
import subprocess
from pathlib import Path

import pygit2
import pytest

from nervesys.errors import NervesysError
from nervesys.stack.seed import seed
from tests import brains


def history(repository: Path) -> list[str]:
    repo = pygit2.Repository(str(repository))
    return [commit.message for commit in repo.walk(repo.branches["main"].target)]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "config/agents").mkdir(parents=True)
    (folder / "config/agents/grok.yaml").write_text("agent: {}\n")
    return folder


def test_a_brain_is_made_and_follows_its_folder_until_somebody_else_commits(source: Path, tmp_path: Path) -> None:
    brain = tmp_path / "brain.git"
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


def test_a_folder_without_configuration_replaces_nothing(source: Path, tmp_path: Path) -> None:
    seed(tmp_path / "brain.git", source, 1.0)
    shutil.rmtree(source / "config")
    with pytest.raises(NervesysError, match=f"read {source}: there is no folder config/"):
        seed(tmp_path / "brain.git", source, 2.0)
    assert len(history(tmp_path / "brain.git")) == 1


def push(brain: Path, tmp_path: Path, *refs: str, **environ: str) -> str | None:
    """Push as another program would; returns the output if it was refused."""
    work = tmp_path / "work"
    if not work.exists():
        subprocess.run(["git", "clone", "-q", str(brain), str(work)], check=True)
        who = ["-c", "user.name=me", "-c", "user.email=me@example.org"]
        subprocess.run(["git", "-C", str(work), *who, "commit", "-q", "--allow-empty", "-m", "Mine"], check=True)
    command = ["git", "-C", str(work), "push", "-q", str(brain), *refs]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environ}, check=False)
    return done.stderr if done.returncode else None


AGENTS = pytest.mark.parametrize("variable", ["SUPERVISOR_PROCESS_NAME", "NERVESYS_AGENT"])


@AGENTS
@pytest.mark.parametrize("branch", ["main", "other", "state/x"])
def test_an_agent_pushes_to_the_state_branch_only(source: Path, tmp_path: Path, variable: str, branch: str) -> None:
    brain = tmp_path / "brain.git"
    seed(brain, source, 1.0)
    refused = push(brain, tmp_path, f"HEAD:refs/heads/{branch}", **{variable: "grok"})
    assert f"grok may push to state only, not to refs/heads/{branch}" in str(refused)
    assert push(brain, tmp_path, "HEAD:refs/heads/state", **{variable: "grok"}) is None


def test_an_operator_pushes_to_the_configuration(source: Path, tmp_path: Path) -> None:
    brain = tmp_path / "brain.git"
    seed(brain, source, 1.0)
    assert push(brain, tmp_path, "HEAD:refs/heads/main") is None
    assert history(brain)[0] == "Mine\n"


def test_the_state_branch_is_neither_deleted_nor_rewound(source: Path, tmp_path: Path) -> None:
    brain = tmp_path / "brain.git"
    seed(brain, source, 1.0)
    assert push(brain, tmp_path, "HEAD:refs/heads/state") is None
    assert "deletion prohibited" in str(push(brain, tmp_path, ":refs/heads/state"))
    assert "denying non-fast-forward" in str(push(brain, tmp_path, "+HEAD~1:refs/heads/state"))


def test_a_hook_of_the_operator_stays(source: Path, tmp_path: Path) -> None:
    brain = tmp_path / "brain.git"
    seed(brain, source, 1.0, state_branch="first")
    seed(brain, source, 2.0, state_branch="second")
    hook = brain / "hooks" / "update"
    assert "refs/heads/second" in hook.read_text()
    hook.write_text("#!/bin/sh\nexit 0\n")
    seed(brain, source, 3.0)
    assert hook.read_text() == "#!/bin/sh\nexit 0\n"


def test_a_repository_that_cannot_be_created_is_an_error(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NervesysError, match=f"create the repository {tmp_path}/file/brain.git: "):
        seed(tmp_path / "file/brain.git", source, 1.0)

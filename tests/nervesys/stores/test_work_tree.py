"""A checkout of a brain: its files as they lie on the disk, and how they differ from its commit."""

import subprocess
from pathlib import Path

import pytest

from nervesys.errors import BrainUnavailable
from nervesys.settings import StartupSettings
from nervesys.stores.open_stores import load_configuration
from nervesys.stores.work_tree import WorkTree, open_work_tree


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=ada", "-c", "user.email=ada@example.org", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "brain"
    (folder / "config/agents").mkdir(parents=True)
    git(folder, "init", "-q", "-b", "draft")
    (folder / "config/agents/ada.yaml").write_text("agent: {role: committed}")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "Begin")
    return folder


def place(folder: Path) -> StartupSettings:
    return StartupSettings(home=folder.parent / "home", brain=str(folder))


def test_files_are_read_as_they_lie_on_the_disk_whatever_the_branch(checkout: Path) -> None:
    (checkout / "config/agents/ada.yaml").write_text("agent: {role: edited}")
    (checkout / "config/agents/bob.yaml").write_text("agent: {role: new}")
    environ = {"NERVESYS_HOME": str(checkout.parent / "home"), "NERVESYS_BRAIN": str(checkout)}
    start = load_configuration("config", environ, checkout=True)
    assert {name: agent.role for name, agent in start.loaded.agents.items()} == {"ada": "edited", "bob": "new"}
    assert isinstance(start.tree, WorkTree)
    assert start.tree.revision == f"commit {git(checkout, 'rev-parse', 'HEAD')[:12]}, 2 uncommitted files"


def test_a_clean_checkout_has_none_and_ignored_files_do_not_count(checkout: Path) -> None:
    (checkout / ".gitignore").write_text("*.bak\n")
    git(checkout, "add", ".")
    git(checkout, "commit", "-qm", "Ignore")
    (checkout / "x.bak").write_text("")
    tree = open_work_tree(place(checkout))
    assert tree is not None
    assert tree.uncommitted == 0


def test_before_the_first_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    tree = open_work_tree(place(tmp_path))
    assert tree is not None
    assert tree.revision == "no commit yet, 0 uncommitted files"


def test_an_empty_checkout_is_an_error_and_no_fleet_without_agents(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    environ = {"NERVESYS_HOME": str(tmp_path / "home"), "NERVESYS_BRAIN": str(tmp_path)}
    with pytest.raises(BrainUnavailable, match="there is no folder config/"):
        load_configuration("config", environ, checkout=True)


def test_a_damaged_repository_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("nonsense")
    with pytest.raises(BrainUnavailable, match="read "):
        open_work_tree(place(tmp_path))


def test_other_brains_are_no_checkout(tmp_path: Path) -> None:
    assert open_work_tree(place(tmp_path)) is None
    assert open_work_tree(StartupSettings(home=tmp_path)) is None

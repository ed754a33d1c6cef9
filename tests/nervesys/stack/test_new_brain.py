"""The repository of a new brain: two branches, and later commits hold the new files alone."""

import subprocess
from pathlib import Path

from nervesys.stack.new_brain import commit_new_files


def git(folder: Path, *words: str) -> str:
    argv = ["git", "-C", str(folder), "-c", "user.name=me", "-c", "user.email=me@example.org", *words]
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=20).stdout


def add(folder: Path, path: str, remote: str | None = None) -> str | None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text("agent: {}\n")
    return commit_new_files(folder, [path], remote, 1.0)


def test_a_brain_has_a_branch_for_configuration_and_an_empty_one_for_state(tmp_path: Path) -> None:
    assert add(tmp_path, "config/a.yaml", "https://git.example.org/b") is None
    assert git(tmp_path, "branch", "--format=%(refname:short)").split() == ["main", "state"]
    assert git(tmp_path, "ls-tree", "-r", "--name-only", "main").split() == ["config/a.yaml"]
    assert git(tmp_path, "ls-tree", "-r", "state") == ""
    assert git(tmp_path, "status", "--short") == ""
    assert git(tmp_path, "remote", "get-url", "origin").strip() == "https://git.example.org/b"


def test_what_the_operator_has_changed_meanwhile_is_not_committed(tmp_path: Path) -> None:
    add(tmp_path, "config/a.yaml")
    (tmp_path / "config/a.yaml").write_text("agent: {changed: 1}\n")
    git(tmp_path, "add", "config/a.yaml")
    assert add(tmp_path, "config/b.yaml") is None
    assert git(tmp_path, "show", "--format=", "--name-only", "main").split() == ["config/b.yaml"]
    assert git(tmp_path, "status", "--short") == "M  config/a.yaml\n"


def test_another_branch_is_left_alone(tmp_path: Path) -> None:
    add(tmp_path, "config/a.yaml")
    git(tmp_path, "switch", "--quiet", "--create", "draft")
    assert "has another branch than main" in (add(tmp_path, "config/b.yaml") or "")
    assert git(tmp_path, "log", "--all", "--format=%s", "--", "config/b.yaml") == ""

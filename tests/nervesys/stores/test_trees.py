"""The files of a commit."""

from pathlib import Path

import pygit2
import pytest

from nervesys.stores.trees import GitTree
from tests.brains import write


@pytest.fixture
def tree(tmp_path: Path) -> GitTree:
    files = {"a.txt": b"a", "config/storage.yaml": b"s", "config/agents/ada.yaml": b"1", "config/agents/bob.yaml": b"2"}
    commit = write(tmp_path / "brain.git", files)
    repository = pygit2.Repository(str(tmp_path / "brain.git"))
    return GitTree(repository, repository[commit].peel(pygit2.Commit))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("a.txt", b"a"),
        ("config/storage.yaml", b"s"),
        ("config/agents/bob.yaml", b"2"),
        ("config", None),
        ("config/none.yaml", None),
        ("none/none.yaml", None),
        ("a.txt/below", None),
    ],
)
def test_a_file_is_found_at_any_depth(tree: GitTree, path: str, body: bytes | None) -> None:
    assert tree.read(path) == body


def test_a_folder_has_the_names_of_its_files_alone(tree: GitTree) -> None:
    assert tree.names("config") == ["storage.yaml"]
    assert tree.names("config/agents") == ["ada.yaml", "bob.yaml"]
    assert tree.names("config/none") == []


def test_a_folder_is_read_once_however_many_of_its_files_are(tree: GitTree, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    entry = tree._entry

    def counted(path: str) -> object:
        read.append(path)
        return entry(path)

    monkeypatch.setattr(tree, "_entry", counted)
    for name in ("ada", "bob", "none", "ada"):
        tree.read(f"config/agents/{name}.yaml")
    assert read.count("config/agents") == 1

"""Git repositories for tests, made object by object: same files and instants, same commit ids."""

from collections.abc import Mapping
from pathlib import Path

import pygit2
from pygit2.enums import FileMode

NOON = 1_767_268_800  # 2026-01-01T12:00:00Z


def write(
    repository: Path,
    files: Mapping[str, bytes | None],
    *,
    branch: str = "main",
    author: str = "ada",
    when: int = NOON,
    message: str = "Change",
) -> str:
    """Commit files straight to a branch of a bare repository (None removes one); returns the commit's id."""
    repo = pygit2.init_repository(str(repository), bare=True)
    tip = repo.branches.get(branch)
    index = pygit2.Index()
    if tip:
        index.read_tree(tip.peel(pygit2.Tree))
    for path, body in files.items():
        if body is None:
            index.remove(path)
        else:
            index.add(pygit2.IndexEntry(path, repo.create_blob(body), FileMode.BLOB))
    who = pygit2.Signature(author, f"{author}@example.org", when)
    parents = [tip.target] if tip else []
    return str(repo.create_commit(f"refs/heads/{branch}", who, who, message, index.write_tree(repo), parents))


def read(repository: Path, path: str, branch: str = "state") -> bytes:
    """A file of the tip of a branch."""
    blob = pygit2.Repository(str(repository)).branches[branch].peel(pygit2.Tree)[path]
    assert isinstance(blob, pygit2.Blob)
    return blob.data

"""Creates the brain of the local stack: a bare repository with the files of a configuration folder."""

from collections.abc import Iterator
from pathlib import Path

import pygit2
from pygit2.enums import FileMode

from nervesys.errors import NervesysError

NAME, EMAIL = "nervesys up", "up@nervesys.invalid"


def seed(repository: Path, source: Path, now: float, branch: str = "main") -> None:
    """Commit a folder's `config/` to a branch, unless it is unchanged or somebody else has committed since.

    Args:
        repository: created if missing.
        source: contains `config/`; other files are not committed.
        now: Unix seconds.
        branch: from which the configuration is read.

    Raises:
        NervesysError: the repository cannot be created.
    """
    try:
        repo = pygit2.init_repository(str(repository), bare=True, initial_head=branch)
    except pygit2.GitError as err:
        raise NervesysError(f"create the repository {repository}: {err}") from err
    tip = repo.branches.get(branch)
    last = tip.peel(pygit2.Commit) if tip else None
    if last is not None and last.author.email != EMAIL:
        return
    index = pygit2.Index()
    for path in _files(source):
        body = (source / path).read_bytes()
        index.add(pygit2.IndexEntry(path, repo.create_blob(body), FileMode.BLOB))
    tree = index.write_tree(repo)
    if last is None or last.tree.id != tree:
        who = pygit2.Signature(NAME, EMAIL, int(now))
        message = "Begin with the example configuration" if last is None else "Follow the example configuration"
        repo.create_commit(f"refs/heads/{branch}", who, who, message, tree, [last.id] if last else [])


def _files(source: Path) -> Iterator[str]:
    for path in sorted((source / "config").rglob("*")):
        if path.is_file():
            yield path.relative_to(source).as_posix()

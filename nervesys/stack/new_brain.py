"""Creates the brain of a fleet of one's own: a Git repository with the branches `main` and `state`."""

from collections.abc import Iterable
from pathlib import Path

import pygit2

from nervesys.errors import NervesysError
from nervesys.stores.git_errors import GIT_ERRORS

MAIN, STATE, REMOTE = "main", "state", "origin"
NAME, EMAIL = "nervesys init", "init@nervesys.invalid"


def commit_new_files(folder: Path, paths: Iterable[str], remote: str | None, now: float) -> str | None:
    """Commit files of a folder to `main`, and create what is missing: the repository, and its branch `state`.

    Nothing else that was changed in the folder is committed.

    Args:
        folder: the working tree.
        paths: of the files, below the folder.
        remote: URL of the remote `origin`, if there is none yet.
        now: Unix seconds, if the operator's Git has no name and e-mail address.

    Returns:
        Why nothing was committed; None if it was, or if there are no files.

    Raises:
        NervesysError: the repository cannot be written.
    """
    try:
        repository = _open(folder)
        if remote and REMOTE not in list(repository.remotes.names()):
            repository.remotes.create(REMOTE, remote)
        paths = tuple(paths)
        if not paths:
            return None
        if not repository.head_is_unborn and repository.head.shorthand != MAIN:
            return f"{folder} has another branch than {MAIN} checked out; commit the new files yourself"
        _commit(repository, folder, paths, now)
        _create_state(repository, now)
    except GIT_ERRORS as err:
        raise NervesysError(f"commit to {folder}: {err}") from err
    return None


def _open(folder: Path) -> pygit2.Repository:
    if (folder / ".git").exists():
        return pygit2.Repository(str(folder))
    return pygit2.init_repository(str(folder), initial_head=MAIN)


def _commit(repository: pygit2.Repository, folder: Path, paths: tuple[str, ...], now: float) -> None:
    parents = [] if repository.head_is_unborn else [repository.head.target]
    fresh = pygit2.Index()
    if parents:
        fresh.read_tree(repository.head.peel(pygit2.Tree))
    index = repository.index
    for path in paths:
        entry = pygit2.IndexEntry(
            path, repository.create_blob((folder / path).read_bytes()), pygit2.enums.FileMode.BLOB
        )
        fresh.add(entry)
        index.add(entry)
    message = "Begin the configuration of the fleet" if not parents else "Add to the configuration of the fleet"
    who = _signature(repository, now)
    repository.create_commit(f"refs/heads/{MAIN}", who, who, message, fresh.write_tree(repository), parents)
    index.write()


def _create_state(repository: pygit2.Repository, now: float) -> None:
    """A branch without files or parent: agents and programs write to it."""
    if STATE not in repository.branches.local:
        who, empty = _signature(repository, now), repository.TreeBuilder().write()
        repository.create_commit(f"refs/heads/{STATE}", who, who, "Begin the state of the fleet", empty, [])


def _signature(repository: pygit2.Repository, now: float) -> pygit2.Signature:
    """The operator's own, as Git knows it."""
    try:
        return repository.default_signature
    except (KeyError, pygit2.GitError):
        return pygit2.Signature(NAME, EMAIL, int(now))

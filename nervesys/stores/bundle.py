"""Bundles: one file with branches of a Git repository and all their history."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pygit2
from pygit2.enums import RepositoryOpenFlag

from nervesys.stores.brain import GitBrain
from nervesys.stores.git import run_local
from nervesys.stores.git_errors import git_errors

SECONDS = 600.0
"""Time limit of one program `git`."""


def write_bundle(brain: GitBrain, target: Path) -> dict[str, str]:
    """Fetch both branches of a brain, and write them with their history to a bundle.

    Args:
        brain: with the whole history.
        target: the file.

    Returns:
        The commit of each branch.

    Raises:
        BrainUnavailable: the brain cannot be fetched, or git failed.
    """
    brain.fetch()
    tips = branch_tips(brain.mirror)
    branches = [branch for branch in dict.fromkeys((brain.branch, brain.state_branch)) if branch in tips]
    run_local(brain.mirror, SECONDS, "bundle", "create", "--quiet", str(target), *branches)
    return {branch: tips[branch] for branch in branches}


def restore_bundle(bundle: Path, repository: Path, branch: str) -> dict[str, str]:
    """Make a bare repository of a bundle, check every object of it, and return the commit of each branch.

    Args:
        bundle: the file.
        repository: the folder; replaced, if it exists.
        branch: the default branch.

    Raises:
        BrainUnavailable: the bundle is damaged, or an object is missing.
    """
    with TemporaryDirectory(dir=repository.parent, prefix=".brain-") as temporary:
        made = Path(temporary) / "brain.git"
        with git_errors(f"create {repository}"):
            pygit2.init_repository(str(made), bare=True, initial_head=branch)
        run_local(made, SECONDS, "fetch", "--quiet", str(bundle.absolute()), "refs/heads/*:refs/heads/*")
        check_repository(made)
        if repository.exists():
            shutil.rmtree(repository)
        made.rename(repository)
    return branch_tips(repository)


def check_repository(repository: Path) -> None:
    """Check every object of a repository, by `git fsck`.

    Raises:
        BrainUnavailable: an object is damaged or missing.
    """
    run_local(repository, SECONDS, "fsck", "--full", "--strict", "--no-dangling", "--no-progress")


def branch_tips(repository: Path) -> dict[str, str]:
    """The commit of each branch.

    Raises:
        BrainUnavailable: it is no repository, or is damaged.
    """
    with git_errors(f"read {repository}"):
        opened = pygit2.Repository(str(repository), RepositoryOpenFlag.NO_SEARCH | RepositoryOpenFlag.BARE)
        return {name: str(opened.branches[name].peel(pygit2.Commit).id) for name in opened.branches.local}

"""A brain that people edit: the files of a checkout as they lie on the disk, and how they differ from its commit."""

from dataclasses import dataclass
from pathlib import Path

import pygit2
from pygit2.enums import FileStatus, RepositoryOpenFlag

from nervesys.plural import count
from nervesys.settings import FolderTree, StartupSettings
from nervesys.stores.git_errors import git_errors


@dataclass(frozen=True)
class WorkTree(FolderTree):
    """The files of a checkout.

    Attributes:
        commit: that is checked out; None before the first.
        uncommitted: number of changed and new files.
    """

    commit: str | None
    uncommitted: int

    @property
    def revision(self) -> str:
        """The state of the checkout, for people."""
        commit = f"commit {self.commit[:12]}" if self.commit else "no commit yet"
        return f"{commit}, {count(self.uncommitted, 'uncommitted file')}"


def open_work_tree(place: StartupSettings) -> WorkTree | None:
    """Open the brain as a checkout; None if it is something else.

    Raises:
        BrainUnavailable: its folder `.git` cannot be read.
    """
    root = Path(place.brain) if place.brain else None
    if root is None or not (root / ".git").exists():
        return None
    with git_errors(f"read {root}"):
        repository = pygit2.Repository(str(root), RepositoryOpenFlag.NO_SEARCH)
        commit = None if repository.head_is_unborn else str(repository.head.target)
        changed = [flag for flag in repository.status().values() if flag != FileStatus.IGNORED]
    return WorkTree(root, commit, len(changed))

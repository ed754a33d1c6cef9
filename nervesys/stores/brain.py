"""The brain, a Git repository: configuration is read from one branch, status and logs are written to another.

Each program keeps its own bare mirror. pygit2 reads objects and creates commits in it, without a work tree; the `git`
program fetches and pushes.
"""

import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from math import inf
from pathlib import Path

import pygit2
from pygit2.enums import RepositoryOpenFlag

from nervesys.clock import Clock, system_clock
from nervesys.errors import BadObject, BrainUnavailable
from nervesys.file_lock import FileLock
from nervesys.stores import git
from nervesys.stores.commits import Commit, walk
from nervesys.stores.git_errors import git_errors
from nervesys.stores.mirror import make_mirror, set_branch
from nervesys.stores.push_probe import PushProbe, probe_push
from nervesys.stores.trees import GitTree, check_configured, write_tree

Change = bytes | Callable[[bytes | None], bytes]
"""The new content of a file, or a function that makes it from the newest content (None if the file does not exist)."""

ATTEMPTS = 20
FIRST_WAIT_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 5.0
FILE_BYTES = 64 << 20
"""Largest file that a commit is appended to."""
CONFIGURATION_REF = "refs/nervesys/configuration"
STATE_REF = "refs/nervesys/state"
"""What was fetched last, whether it is good or not; the branches of the mirror are what is good."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Newest:
    """The newest available configuration.

    Attributes:
        tree: its files.
        outdated: why it may be outdated (the repository could not be reached, or has no configuration); else None.
    """

    tree: GitTree
    outdated: str | None = None


class GitBrain:
    """A brain in a Git repository, through a bare mirror.

    The two branches are fetched one by one, and no others: whatever else is pushed to the repository delays neither.
    Threads and processes may share a mirror; each fetch and each attempt to commit holds its lock.

    Args:
        url: path, `file://`, `https://` or ssh.
        mirror: folder of the mirror; created if it is missing, or if it mirrors another repository.
        branch: branch of the configuration.
        state_branch: branch that is written to; created, without a parent, by the first commit.
        timeout_seconds: of each fetch and each push.
        token: for https.
        depth: number of commits of each branch to fetch; None for the whole history.
        clock: dates the commits.
        sleep: waits some seconds, between attempts to push.

    Raises:
        BrainUnavailable: the URL is not permitted, or the mirror cannot be created.
    """

    def __init__(
        self,
        url: str,
        mirror: Path,
        *,
        branch: str = "main",
        state_branch: str = "state",
        timeout_seconds: float,
        token: str | None = None,
        depth: int | None = None,
        clock: Clock = system_clock,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.branch, self.state_branch = branch, state_branch
        self._url, self._token = url, token
        self._remote = git.Remote.of(url, token)
        self.mirror = mirror
        self.timeout_seconds = timeout_seconds
        self._depth = depth
        self._clock, self._sleep = clock, sleep
        with self._lock(), git_errors(f"create the mirror {mirror}"):
            make_mirror(mirror, self.url)

    def with_history(self, commits: int) -> "GitBrain":
        """The same repository in a mirror of its own with more commits of the branches, for `log`; not fetched yet.

        Args:
            commits: of each branch.

        Raises:
            BrainUnavailable: the mirror cannot be created.
        """
        return GitBrain(
            self._url,
            self.mirror.with_name(f"{self.mirror.name}-history"),
            branch=self.branch,
            state_branch=self.state_branch,
            timeout_seconds=self.timeout_seconds,
            token=self._token,
            depth=commits,
            clock=self._clock,
            sleep=self._sleep,
        )

    @property
    def url(self) -> str:
        """URL without credentials."""
        return self._remote.url

    def fetch(self) -> None:
        """Update the mirror: the configuration first, then what agents and programs wrote.

        Raises:
            BrainUnavailable: a branch cannot be fetched, or there is no configuration. What was fetched last stays,
                and a failure of the second branch does not undo the first.
        """
        self.fetch_configuration()
        if self.state_branch != self.branch:
            self.fetch_state()

    def fetch_configuration(self, seconds: float | None = None) -> None:
        """Update the configuration in the mirror.

        Args:
            seconds: a shorter time limit than the configured one.

        Raises:
            BrainUnavailable: it cannot be fetched, does not exist, or has no `config/`; the last good copy stays.
        """
        with self._lock():
            self._fetch_configuration(min(seconds or inf, self.timeout_seconds))

    def fetch_state(self) -> None:
        """Update what agents and programs wrote, in the mirror.

        Raises:
            BrainUnavailable: it cannot be fetched.
        """
        with self._lock():
            self._fetch_state()

    def newest(self, patience: float | None = None) -> "Newest":
        """Fetch the newest configuration; if that is not possible, use the last good copy.

        Args:
            patience: time limit in seconds, if there is an earlier copy.

        Raises:
            BrainUnavailable: it cannot be fetched, and there is no earlier copy.
        """
        copy = self.tree(self.branch)
        try:
            self.fetch_configuration(patience if copy else None)
        except BrainUnavailable as err:
            if copy is None:
                raise
            return Newest(copy, f"{err}; the last good copy is used, commit {copy.commit[:12]}")
        tree = self.tree(self.branch)
        assert tree is not None, "it was just fetched"
        return Newest(tree)

    def tree(self, branch: str) -> GitTree | None:
        """The files of a branch, as last fetched; None if there is no such branch."""
        with self._repository(f"read {branch}") as repository:
            tip = repository.branches.get(branch)
            return GitTree(repository, tip.peel(pygit2.Commit)) if tip else None

    def log(self, branch: str, limit: int | None = None) -> Iterator[Commit]:
        """The commits of a branch, newest first; empty if there is no such branch."""
        with self._repository(f"read {branch}") as repository:
            tip = repository.references.get(f"refs/heads/{branch}")
            target = tip.peel(pygit2.Commit).id if tip else None
        return islice(walk(repository, target), limit) if target else iter(())

    def commit(self, changes: Mapping[str, Change], message: str, author: str) -> str:
        """Commit files to the state branch, and push.

        If another writer pushed first, the commit is built again on the new tip, so that appends lose nothing.

        Args:
            changes: new content by path, or a function that makes it from the newest content.
            message: commit message.
            author: name of the program or agent.

        Returns:
            The id of the new tip; that of the old one if nothing changed.

        Raises:
            BrainUnavailable: the repository cannot be reached, refuses the push, or others were first at every attempt.
        """
        wait = FIRST_WAIT_SECONDS
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self._lock():
                    self._fetch_state()
                    return self._advance(changes, message, author)
            except git.PushRefused as refused:
                if attempt == ATTEMPTS:
                    raise BrainUnavailable(f"{refused}; given up after {ATTEMPTS} attempts") from refused
            self._sleep(random.uniform(0, wait))  # noqa: S311  # jitter, no secret
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)
        raise AssertionError("the last attempt returns or raises")

    def probe_push(self, branch: str) -> PushProbe:
        """Whether the host would accept a push to a branch; the branch is not changed. See `push_probe`.

        Args:
            branch: that of the configuration, or that of state.

        Raises:
            BrainUnavailable: the repository cannot be reached.
        """
        with self._lock(), self._repository(f"try a push to {branch}") as repository:
            return probe_push(repository, self._remote, self.timeout_seconds, branch, self._clock())

    def _fetch_configuration(self, seconds: float) -> None:
        if not git.fetch(self.mirror, self._remote, seconds, self.branch, CONFIGURATION_REF, self._depth):
            raise BrainUnavailable(f"fetch {self.url}: there is no branch {self.branch}")
        with self._repository(f"read {self.branch} of {self.url}") as repository:
            commit = repository.references[CONFIGURATION_REF].peel(pygit2.Commit)
            check_configured(
                GitTree(repository, commit), f"commit {str(commit.id)[:12]} of {self.branch} of {self.url}"
            )
            set_branch(repository, self.branch, commit.id)

    def _fetch_state(self) -> None:
        if self.state_branch == self.branch:
            self._fetch_configuration(self.timeout_seconds)
            return
        there = git.fetch(self.mirror, self._remote, self.timeout_seconds, self.state_branch, STATE_REF, self._depth)
        with self._repository(f"read {self.state_branch} of {self.url}") as repository:
            if there:
                tip = repository.references[STATE_REF].peel(pygit2.Commit)
                set_branch(repository, self.state_branch, tip.id)
            else:
                for ref in {STATE_REF, f"refs/heads/{self.state_branch}"} & {*repository.references}:
                    repository.references.delete(ref)

    def _advance(self, changes: Mapping[str, Change], message: str, author: str) -> str:
        """One attempt: commit on the fetched tip, and push."""
        tree = self.tree(self.state_branch)
        files = {path: _new_content(change, tree, path) for path, change in changes.items()}
        with self._repository(f"commit to {self.state_branch}") as repository:
            tip = repository[tree.commit].peel(pygit2.Commit) if tree else None
            root = write_tree(repository, tip.tree_id if tip else None, files)
            if tip is not None and root == tip.tree_id:
                return str(tip.id)
            signature = pygit2.Signature(author, f"{author}@nervesys.invalid", int(self._clock()))
            parents = [tip.id] if tip else []
            commit = repository.create_commit(None, signature, signature, message, root, parents)
        self._push(str(commit), first=tip is None)
        with self._repository(f"commit to {self.state_branch}") as repository:
            set_branch(repository, self.state_branch, commit)
        return str(commit)

    def _push(self, commit: str, *, first: bool) -> None:
        """Push a commit to the state branch; the first one creates it, which another branch's name can exclude."""
        try:
            git.push(self.mirror, self._remote, self.timeout_seconds, commit, self.state_branch)
        except BrainUnavailable as err:
            others = first and git.conflicting_branches(
                self.mirror, self._remote, self.timeout_seconds, self.state_branch
            )
            if not others:
                raise
            raise BrainUnavailable(
                f"push to {self.state_branch} of {self.url}: it cannot exist beside the branch {others[0]}; "
                f"delete {others[0]}, and protect {self.state_branch} against deletion"
            ) from err

    @contextmanager
    def _repository(self, operation: str) -> Iterator[pygit2.Repository]:
        """Open the mirror; errors of pygit2 are raised as `BrainUnavailable`."""
        with git_errors(f"{operation} (mirror {self.mirror})"):
            try:
                yield pygit2.Repository(str(self.mirror), RepositoryOpenFlag.NO_SEARCH | RepositoryOpenFlag.BARE)
            except BadObject as bad:
                raise BrainUnavailable(f"{operation} of {self.url}: {bad}") from bad

    def _lock(self) -> FileLock:
        """The mirror's lock. All operations under it have time limits.

        Raises:
            BrainUnavailable: its file cannot be created.
        """
        path = self.mirror.parent / f"{self.mirror.name}.lock"
        with git_errors(f"open {path}"):
            return FileLock(path)


def _new_content(change: Change, tree: GitTree | None, path: str) -> bytes:
    """The new content of a file; made from nothing if what is there is too large to be a file of this project."""
    if isinstance(change, bytes):
        return change
    try:
        before = tree.read(path, max_bytes=FILE_BYTES) if tree else None
    except BadObject as bad:
        log.warning("%s; the file is begun anew, and its earlier content stays in the history of the branch", bad)
        before = None
    return change(before)


def create_only(body: bytes) -> Change:
    """A change that creates a file, and leaves an existing one as it is."""
    return lambda before: body if before is None else before

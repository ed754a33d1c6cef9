"""The brain, a Git repository: configuration is read from one branch, status and logs are written to another.

Each program keeps its own bare mirror. pygit2 reads objects and creates commits in it, without a work tree; the `git`
program fetches and pushes.
"""

import logging
import os
import random
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path

import pygit2
from pygit2.enums import FileMode, RepositoryOpenFlag, SortMode

from nervesys.clock import Clock, system_clock
from nervesys.errors import BrainUnavailable, SettingsError, SettingsProblem
from nervesys.file_lock import FileLock
from nervesys.settings import VARIABLES, FolderTree, StartupSettings, Tree, load, shipped_root
from nervesys.settings.storage import BrainSettings
from nervesys.settings.variables import value_of
from nervesys.stores import git
from nervesys.stores.trees import EmptyTree, GitTree

Change = bytes | Callable[[bytes | None], bytes]
"""The new content of a file, or a function that makes it from the newest content (None if the file does not exist)."""

ATTEMPTS = 20
FIRST_WAIT_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Newest:
    """The newest available configuration.

    Attributes:
        tree: its files.
        outdated: why it may be outdated (the repository could not be reached); else None.
    """

    tree: GitTree | EmptyTree
    outdated: str | None = None


class GitBrain:
    """A brain in a Git repository, through a bare mirror.

    Threads and processes may share a mirror; fetch and commit hold its lock.

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
        self._remote = git.Remote.of(url, token)
        self._mirror = mirror
        self.timeout_seconds = timeout_seconds
        self._depth = depth
        self._clock, self._sleep = clock, sleep
        with self._lock():
            self._make_mirror()

    @property
    def url(self) -> str:
        """URL without credentials."""
        return self._remote.url

    def fetch(self, seconds: float | None = None) -> None:
        """Update the mirror.

        Args:
            seconds: a shorter time limit than the configured one.

        Raises:
            BrainUnavailable: the repository cannot be reached; the mirror is unchanged.
        """
        with self._lock():
            git.fetch(self._mirror, self._remote, min(seconds or inf, self.timeout_seconds), self._depth)

    def newest(self, patience: float | None = None) -> "Newest":
        """Fetch the newest configuration; if the repository cannot be reached, use the last good copy.

        Args:
            patience: time limit in seconds, if there is an earlier copy.

        Raises:
            BrainUnavailable: it cannot be reached, and there is no earlier copy.
        """
        copy = self.tree(self.branch)
        try:
            self.fetch(patience if copy else None)
        except BrainUnavailable as err:
            if copy is None:
                raise
            return Newest(copy, f"{err}; the last good copy is used, commit {copy.commit[:12]}")
        if (tree := self.tree(self.branch)) is None:
            log.warning("%s has no branch %s: nothing is configured there", self.url, self.branch)
        return Newest(tree or EmptyTree())

    def tree(self, branch: str) -> GitTree | None:
        """The files of a branch, as last fetched; None if there is no such branch."""
        repository = self._open()
        tip = repository.branches.get(branch)
        return GitTree(repository, tip.peel(pygit2.Commit)) if tip else None

    def log(self, branch: str, limit: int | None = None) -> Iterator[pygit2.Commit]:
        """The commits of a branch, newest first; empty if there is no such branch."""
        repository = self._open()
        tip = repository.branches.get(branch)
        walk = repository.walk(tip.target, SortMode.TIME) if tip else iter(())
        for index, commit in enumerate(walk):
            if index == limit:
                return
            yield commit

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
        with self._lock():
            wait = FIRST_WAIT_SECONDS
            for attempt in range(1, ATTEMPTS + 1):
                git.fetch(self._mirror, self._remote, self.timeout_seconds, self._depth)
                try:
                    return self._advance(changes, message, author)
                except git.PushRefused as refused:
                    if attempt == ATTEMPTS:
                        raise BrainUnavailable(f"{refused}; given up after {ATTEMPTS} attempts") from refused
                self._sleep(random.uniform(0, wait))  # noqa: S311  # jitter, no secret
                wait = min(2 * wait, LONGEST_WAIT_SECONDS)
        raise AssertionError("the last attempt returns or raises")

    def _advance(self, changes: Mapping[str, Change], message: str, author: str) -> str:
        """One attempt: commit on the fetched tip, and push."""
        repository = self._open()
        branch = repository.branches.get(self.state_branch)
        tip = branch.peel(pygit2.Commit) if branch else None
        tree = self._write_tree(repository, tip, changes)
        if tip is not None and tree == tip.tree.id:
            return str(tip.id)
        signature = pygit2.Signature(author, f"{author}@nervesys.invalid", int(self._clock()))
        parents = [tip.id] if tip else []
        commit = repository.create_commit(None, signature, signature, message, tree, parents)
        git.push(self._mirror, self._remote, self.timeout_seconds, str(commit), self.state_branch)
        repository.references.create(f"refs/heads/{self.state_branch}", commit, force=True)
        return str(commit)

    def _write_tree(
        self, repository: pygit2.Repository, tip: pygit2.Commit | None, changes: Mapping[str, Change]
    ) -> pygit2.Oid:
        """Write the tree of the tip with the changes applied."""
        index, before = pygit2.Index(), GitTree(repository, tip) if tip else None
        if tip is not None:
            index.read_tree(tip.tree)
        for path, change in changes.items():
            body = change if isinstance(change, bytes) else change(before.read(path) if before else None)
            index.add(pygit2.IndexEntry(path, repository.create_blob(body), FileMode.BLOB))
        return index.write_tree(repository)

    def _make_mirror(self) -> None:
        """Create the mirror; replace the mirror of another URL, which must not be taken for a copy of this brain."""
        if _mirror_url(self._mirror) == self.url:
            return
        if self._mirror.exists():
            shutil.rmtree(self._mirror)
        pygit2.init_repository(str(self._mirror), bare=True).config["remote.origin.url"] = self.url

    def _open(self) -> pygit2.Repository:
        try:
            return pygit2.Repository(str(self._mirror), RepositoryOpenFlag.NO_SEARCH | RepositoryOpenFlag.BARE)
        except pygit2.GitError as err:
            raise BrainUnavailable(f"open the mirror {self._mirror}: {err}") from err

    def _lock(self) -> FileLock:
        """The mirror's lock. All operations under it have time limits."""
        return FileLock(self._mirror.parent / f"{self._mirror.name}.lock")


def create_only(body: bytes) -> Change:
    """A change that creates a file, and leaves an existing one as it is."""
    return lambda before: body if before is None else before


def open_brain(
    place: StartupSettings,
    program: str,
    settings: BrainSettings | None = None,
    environ: Mapping[str, str] = os.environ,
    *,
    depth: int | None = None,
) -> GitBrain | None:
    """Open the brain as a Git repository; None if it is a plain folder, such as the shipped example.

    Args:
        place: names the brain and the folder of mirrors.
        program: name of the mirror.
        settings: None before the brain has been read: then defaults and environment are used.
        environ: environment variables.
        depth: see `GitBrain`.

    Raises:
        SettingsError: it names a folder that does not exist, and of which there is no mirror.
    """
    if place.brain is None:
        return None
    url, mirror = _url(place.brain), place.mirror(program)
    gone = not Path(url).exists() and _mirror_url(mirror) == url
    if not gone and plain_folder(place.brain):
        return None
    settings = settings or _settings_before_brain(environ)
    return GitBrain(
        url,
        mirror,
        branch=settings.branch,
        state_branch=settings.state_branch,
        timeout_seconds=settings.timeout_seconds,
        token=settings.token.get_secret_value() if settings.token else None,
        depth=depth,
    )


def open_folder(place: StartupSettings) -> FolderTree:
    """Open the brain as a plain folder: the configured one, or the shipped example."""
    return FolderTree(Path(place.brain) if place.brain else shipped_root())


def open_tree(
    place: StartupSettings, program: str, settings: BrainSettings | None = None, environ: Mapping[str, str] = os.environ
) -> Tree:
    """Open the newest configuration: of a folder, the shipped example, or a Git repository.

    If the repository cannot be reached, the last good copy is used, and a warning is logged.

    Args:
        place: names the brain and the folder of mirrors.
        program: name of the mirror.
        settings: see `open_brain`.
        environ: environment variables.

    Raises:
        SettingsError: it names a folder that does not exist.
        BrainUnavailable: it cannot be read, and there is no earlier copy.
    """
    brain = open_brain(place, program, settings, environ)
    if brain is None:
        return open_folder(place)
    newest = brain.newest()
    if newest.outdated:
        log.warning("%s", newest.outdated)
    return newest.tree


def plain_folder(brain: str) -> bool:
    """Whether a brain is a plain folder; a folder with `.git` and a bare repository are repositories.

    Raises:
        SettingsError: it is neither a URL nor an existing folder.
    """
    path = Path(brain)
    if path.is_dir():
        return not ((path / ".git").exists() or (path / "HEAD").is_file())
    if _is_url(brain):
        return False
    raise SettingsError([SettingsProblem("brain", "", f"{brain} is neither a URL nor an existing folder")])


def _url(brain: str) -> str:
    """The URL of a brain, or the absolute path of a folder."""
    return brain if _is_url(brain) else str(Path(brain).absolute())


def _is_url(brain: str) -> bool:
    return "://" in brain or re.fullmatch(r"[\w.-]+@[\w.-]+:.+", brain) is not None


def _mirror_url(mirror: Path) -> str | None:
    """The URL that a mirror was made from."""
    try:
        return next(iter(pygit2.Config(str(mirror / "config")).get_multivar("remote.origin.url")), None)
    except OSError:
        return None


def _settings_before_brain(environ: Mapping[str, str]) -> BrainSettings:
    """Access settings before the brain is read. Mistakes in the environment are reported later, by `load`."""
    own = [variable for variable in VARIABLES if variable.field[:2] == ("storage", "brain")]
    values = {variable.field[-1]: value_of(variable.name, environ, []) for variable in own}
    shipped = dict(load().settings.storage.brain)
    return BrainSettings.model_validate(
        shipped | {key: value.value for key, value in values.items() if value is not None}
    )

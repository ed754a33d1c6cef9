"""Commits of a branch, with texts that are decoded whatever their `encoding` header declares."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pygit2
from pygit2.enums import SortMode

from nervesys.stores.git_errors import git_errors

MESSAGE_BYTES = 65_536
"""Longest message that is decoded; the rest is cut off."""


@dataclass(frozen=True)
class Commit:
    """One commit.

    Attributes:
        id: in hex.
        time: Unix seconds.
        author: name of the author.
        message: of any length up to `MESSAGE_BYTES`.
    """

    id: str
    time: int
    author: str
    message: str
    _commit: pygit2.Commit = field(repr=False, compare=False)

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.strip().partition("\n")[0]

    def changed_files(self, folder: str) -> list[str]:
        """The files of a folder that it changed against its parent, sorted; a merge changes none by itself.

        Raises:
            BrainUnavailable: the mirror is damaged.
        """
        with git_errors(f"compare commit {self.id[:12]} with its parent"):
            commit = self._commit
            if len(commit.parents) > 1:
                return []
            trees = [tree for tree in (_subtree(it, folder) for it in (commit, *commit.parents)) if tree is not None]
            if not trees or len({tree.id for tree in trees}) < len(trees):
                return []
            diff = trees[0].diff_to_tree() if len(trees) == 1 else trees[0].diff_to_tree(trees[1])
            return sorted(f"{folder}/{delta.new_file.raw_path.decode(errors='replace')}" for delta in diff.deltas)


def walk(repository: pygit2.Repository, tip: pygit2.Oid) -> Iterator[Commit]:
    """The commits from a tip on, newest first.

    Raises:
        BrainUnavailable: the mirror is damaged.
    """
    with git_errors("read the commits of the mirror"):
        for commit in repository.walk(tip, SortMode.TIME):
            encoding = _encoding(commit)
            yield Commit(
                id=str(commit.id),
                time=commit.commit_time,
                author=_decode(commit.author.raw_name, encoding),
                message=_decode(commit.raw_message[:MESSAGE_BYTES], encoding),
                _commit=commit,
            )


def _encoding(commit: pygit2.Commit) -> str:
    try:
        return commit.message_encoding or "utf-8"
    except ValueError:  # the header itself is not text
        return "utf-8"


def _decode(raw: bytes, encoding: str) -> str:
    """Decode a text; one that is not in the declared encoding, or in none that Python knows, is read as UTF-8."""
    try:
        return raw.decode(encoding)
    except (LookupError, ValueError):
        return raw.decode(errors="replace")


def _subtree(commit: pygit2.Commit, folder: str) -> pygit2.Tree | None:
    try:
        entry = commit.tree[folder]
    except KeyError:
        return None
    return entry if isinstance(entry, pygit2.Tree) else None

"""The commits that changed the configuration just before something happened, from the mirror of the brain."""

from dataclasses import dataclass

from alerting.receiver.search_result import SearchResult
from nervesys.errors import BrainUnavailable
from nervesys.stores.brain import GitBrain

FOLDER = "config"
CHANGES = 5
"""Commits shown, at most."""
COMMITS = 500
"""Commits looked at, newest first, at most."""
FILES = 10
"""Files named of one commit, at most."""


@dataclass(frozen=True)
class ConfigChange:
    """One commit.

    Attributes:
        at: Unix seconds.
        subject: first line of its message.
        files: that it changed; `FILES` at most.
        more: files that are not named.
    """

    commit: str
    at: float
    author: str
    subject: str
    files: tuple[str, ...]
    more: int


def last_changes(brain: GitBrain | None, until: float) -> SearchResult[ConfigChange]:
    """The newest commits to the configuration that are not younger than an instant, newest first.

    Args:
        brain: its mirror is read as it was last fetched; None where it is a plain folder.
        until: Unix seconds.
    """
    if brain is None:
        return SearchResult(missing="The brain is a plain folder, which has no commits.")
    found: list[ConfigChange] = []
    try:
        for commit in brain.log(brain.branch, COMMITS):
            files = commit.changed_files(FOLDER) if commit.time <= until else []
            if files:
                named, more = tuple(files[:FILES]), len(files[FILES:])
                found.append(ConfigChange(commit.id, commit.time, commit.author, commit.subject, named, more))
            if len(found) == CHANGES:
                break
    except BrainUnavailable as err:
        return SearchResult(missing=f"The brain cannot be read: {err}")
    return SearchResult(tuple(found), "" if found else f"None of the newest {COMMITS} commits changed it before that.")

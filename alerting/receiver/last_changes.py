"""The commits that changed an agent's configuration just before something happened, from the mirror of the brain."""

from dataclasses import dataclass

from alerting.receiver.search_result import SearchResult
from nervesys.errors import BrainUnavailable
from nervesys.stores.brain import GitBrain

FOLDER = "config"
AGENTS_FOLDER = "config/agents/"
SHARED_FILE = "default.yaml"
"""What all agents have in common."""
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


def last_changes(brain: GitBrain | None, until: float, agent: str = "") -> SearchResult[ConfigChange]:
    """The newest commits to the configuration that are not younger than an instant, newest first.

    Args:
        brain: its mirror is read as it was last fetched; None where it is a plain folder.
        until: Unix seconds.
        agent: whose configuration it is: the files of other agents alone change nothing for it; empty for all.
    """
    if brain is None:
        return SearchResult(missing="The brain is a plain folder, which has no commits.")
    found: list[ConfigChange] = []
    try:
        for commit in brain.log(brain.branch, COMMITS):
            files = commit.changed_files(FOLDER) if commit.time <= until else []
            files = [file for file in files if _concerns(file, agent)]
            if files:
                named, more = tuple(files[:FILES]), len(files[FILES:])
                found.append(ConfigChange(commit.id, commit.time, commit.author, commit.subject, named, more))
            if len(found) == CHANGES:
                break
    except BrainUnavailable as err:
        return SearchResult(missing=f"The brain cannot be read: {err}")
    return SearchResult(tuple(found), "" if found else f"None of the newest {COMMITS} commits changed it before that.")


def _concerns(file: str, agent: str) -> bool:
    """Whether a file is part of the agent's configuration: its own, or one that it shares with others."""
    if not agent or not file.startswith(AGENTS_FOLDER):
        return True
    return file.removeprefix(AGENTS_FOLDER) in (f"{agent}.yaml", SHARED_FILE)

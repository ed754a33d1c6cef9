"""Tries whether a Git host would accept a push to a branch, without ever changing the branch.

The push is atomic and holds two updates: an empty commit on the branch, and the new branch `BRANCH/nervesys-doctor`.
Git cannot hold both, because a branch is a file and cannot be a folder too: the host asks its hooks and rules about
the first, and then rejects the whole push because of the second. A host that does not support atomic pushes is sent
nothing, for git itself refuses. `push --dry-run` would not do: it never asks the host's hooks.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import pygit2

from nervesys.stores import git

BLOCKER = "nervesys-doctor"
PASSED = ("atomic", "failed to update ref", "cannot lock ref", "failed to lock")
"""In git's reason for the branch, where only the second update was to blame."""
WHOLE = "pre-receive hook declined"
"""Git's reason for every branch, where a hook refused the push as a whole."""


@dataclass(frozen=True)
class PushProbe:
    """What the host would do.

    Attributes:
        accepted: None where the host gave no answer that can be read.
        reason: of the refusal; empty where the push would be accepted.
    """

    accepted: bool | None
    reason: str = ""


def probe_push(repository: pygit2.Repository, remote: git.Remote, seconds: float, branch: str, now: float) -> PushProbe:
    """Whether the host would accept a push to a branch, which does not change.

    Args:
        repository: a mirror of the host's, with the branch as last fetched; an empty commit is added, on no branch.
        remote: the host.
        seconds: time limit of each of at most two pushes.
        branch: its name.
        now: date of the commit, in Unix seconds.

    Raises:
        BrainUnavailable: git is not installed, or timed out.
    """
    mirror, commit = Path(repository.path), _empty_commit(repository, branch, now)
    blocker = f"{commit}:refs/heads/{branch}/{BLOCKER}"
    result = git.push_all_or_none(mirror, remote, seconds, f"{commit}:refs/heads/{branch}", blocker)
    reason = _reason(result.text, f"refs/heads/{branch}")
    if reason is None:
        return PushProbe(None if "atomic" in result.text else False, result.cause())
    if any(sign in reason for sign in PASSED):
        return PushProbe(accepted=True)
    if WHOLE in reason:
        alone = _reason(git.push_all_or_none(mirror, remote, seconds, blocker).text, f"refs/heads/{branch}/{BLOCKER}")
        if alone is not None and WHOLE in alone:
            return PushProbe(None, f"a hook of the host refuses every new branch: {reason}")
    return PushProbe(accepted=False, reason=reason)


def _empty_commit(repository: pygit2.Repository, branch: str, now: float) -> str:
    """The id of a new commit on the tip of a branch, with the same files."""
    found = repository.branches.get(branch)
    tip = found.peel(pygit2.Commit) if found else None
    root = tip.tree_id if tip else repository.TreeBuilder().write()
    signature = pygit2.Signature("doctor", "doctor@nervesys.invalid", int(now))
    return str(repository.create_commit(None, signature, signature, "Probe of a push", root, [tip.id] if tip else []))


def _reason(text: str, ref: str) -> str | None:
    """Git's reason for rejecting one branch, by `push --porcelain`; None if it has none."""
    found = re.search(rf"^!\t\S*:{re.escape(ref)}\t(.*)$", text, re.MULTILINE)
    return found[1] if found else None

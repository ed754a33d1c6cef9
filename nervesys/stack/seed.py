"""Creates the brain of the local stack: a bare repository with the files of a configuration folder.

Its update hook refuses pushes of agents to any branch but that of the state. Agents of the local stack run as the
operator's user, so it stops mistakes; a program that ignores it needs another user, or a Git host.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pygit2
from pygit2.enums import FileMode

from nervesys.errors import NervesysError
from nervesys.stores.git_errors import GIT_ERRORS

NAME, EMAIL = "nervesys up", "up@nervesys.invalid"
HOOK = "hooks/update"
HOOK_MARK = "Written by nervesys: "
HOOK_TEXT = f"""#!/bin/sh
# {HOOK_MARK}agents push to the branch that state is written to, and to no other.
[ "$1" = "refs/heads/{{state_branch}}" ] && exit 0
agent="${{{{NERVESYS_AGENT:-${{{{SUPERVISOR_PROCESS_NAME:-}}}}}}}}"
[ -z "$agent" ] && exit 0
echo "$agent may push to {{state_branch}} only, not to $1" >&2
exit 1
"""
"""supervisord sets SUPERVISOR_PROCESS_NAME in its children; an operator's shell has neither variable."""
PROTECTION = {"receive.denyDeletes": True, "receive.denyNonFastForwards": True}
"""Without the state branch, a branch below its name could block it."""


def seed(repository: Path, source: Path, now: float, branch: str = "main", state_branch: str = "state") -> None:
    """Commit a folder's `config/` to a branch, unless it is unchanged or somebody else has committed since.

    Args:
        repository: created if missing.
        source: contains `config/`; other files are not committed.
        now: Unix seconds.
        branch: from which the configuration is read.
        state_branch: the only one that agents may push to.

    Raises:
        NervesysError: the repository cannot be created, or the folder has no `config/`.
    """
    files = list(_files(source))
    if not files:
        raise NervesysError(f"read {source}: there is no folder config/ with files in it")
    try:
        _commit(repository, source, files, now, branch)
        _protect(repository, state_branch)
    except GIT_ERRORS as err:
        raise NervesysError(f"create the repository {repository}: {err}") from err


def _commit(repository: Path, source: Path, files: Iterable[str], now: float, branch: str) -> None:
    repo = pygit2.init_repository(str(repository), bare=True, initial_head=branch)
    tip = repo.branches.get(branch)
    last = tip.peel(pygit2.Commit) if tip else None
    if last is not None and last.author.email != EMAIL:
        return
    index = pygit2.Index()
    for path in files:
        body = (source / path).read_bytes()
        index.add(pygit2.IndexEntry(path, repo.create_blob(body), FileMode.BLOB))
    tree = index.write_tree(repo)
    if last is None or last.tree.id != tree:
        who = pygit2.Signature(NAME, EMAIL, int(now))
        message = "Begin with the example configuration" if last is None else "Follow the example configuration"
        repo.create_commit(f"refs/heads/{branch}", who, who, message, tree, [last.id] if last else [])


def _protect(repository: Path, state_branch: str) -> None:
    """Write the settings and the hook that protect the branches; an operator's own hook stays."""
    repo = pygit2.Repository(str(repository))
    for name, value in PROTECTION.items():
        repo.config[name] = value
    hook, text = repository / HOOK, HOOK_TEXT.format(state_branch=state_branch)
    before = hook.read_text(errors="replace") if hook.exists() else None
    if before == text or (before is not None and HOOK_MARK not in before):
        return
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(text)
    hook.chmod(0o755)


def _files(source: Path) -> Iterator[str]:
    for path in sorted((source / "config").rglob("*")):
        if path.is_file():
            yield path.relative_to(source).as_posix()

"""The bare mirror of a brain's repository that each program keeps."""

import shutil
from pathlib import Path

import pygit2

from nervesys.stores.git_errors import GIT_ERRORS


def make_mirror(mirror: Path, url: str) -> None:
    """Create a mirror; replace the mirror of another URL, which must not be taken for a copy of this brain.

    Raises:
        pygit2.GitError, OSError: it cannot be created.
    """
    if mirror_url(mirror) == url:
        return
    if mirror.exists():
        shutil.rmtree(mirror)
    pygit2.init_repository(str(mirror), bare=True).config["remote.origin.url"] = url


def set_branch(repository: pygit2.Repository, branch: str, commit: pygit2.Oid) -> None:
    """Set a branch of the mirror; a branch below its name, of an earlier fetch, would exclude it."""
    for ref in [ref for ref in repository.references if ref.startswith(f"refs/heads/{branch}/")]:
        repository.references.delete(ref)
    repository.references.create(f"refs/heads/{branch}", commit, force=True)


def mirror_url(mirror: Path) -> str | None:
    """The URL that a mirror was made from."""
    try:
        return next(iter(pygit2.Config(str(mirror / "config")).get_multivar("remote.origin.url")), None)
    except GIT_ERRORS:
        return None

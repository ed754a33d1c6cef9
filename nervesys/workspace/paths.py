"""Paths of a workspace's files: relative, plain, and never out of it."""

from pathlib import Path

from nervesys.errors import NervesysError

PATH_BYTES, PART_BYTES = 1024, 255


def clean(path: str) -> str:
    """A path that may be used, unchanged.

    Args:
        path: relative to the project's files, with `/` between its parts.

    Raises:
        NervesysError: it is empty, absolute, too long, or holds what leads elsewhere or cannot stand in a name.
    """
    problem = _problem(path)
    if problem:
        raise NervesysError(f"use the path {path[:80]!r}: {problem}")
    return path


def inside(root: Path, path: str) -> Path:
    """Where a file lies.

    Args:
        root: the project's files.
        path: of one of them.

    Raises:
        NervesysError: the path is wrong, or a symbolic link on it leads out of the project's files.
    """
    target = root / clean(path)
    if not target.resolve().is_relative_to(root.resolve()):
        raise NervesysError(f"use the path {path[:80]!r}: a symbolic link on it leads out of the workspace")
    return target


def _problem(path: str) -> str | None:
    parts = path.split("/")
    if path.startswith("/"):
        return "it is absolute; paths are relative to the project's files"
    if any(part in {"", ".", ".."} for part in parts):
        return "it is empty, or has a part that is empty, `.` or `..`"
    if "\\" in path or not path.isprintable():
        return "it holds a backslash or a character that cannot be printed"
    if len(path.encode()) > PATH_BYTES or any(len(part.encode()) > PART_BYTES for part in parts):
        return f"it is longer than {PATH_BYTES} bytes, or a part of it than {PART_BYTES}"
    return None

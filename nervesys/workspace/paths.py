"""Validates the paths of files: relative, and never outside the workspace."""

from pathlib import Path

from nervesys.errors import NervesysError

PATH_BYTES, PART_BYTES = 1024, 255


def clean(path: str) -> str:
    """Validate a path, and return it unchanged.

    Args:
        path: relative to the project's files, with `/` between its parts.

    Raises:
        NervesysError: it is empty, absolute, too long, leaves the workspace, or contains invalid characters.
    """
    problem = _problem(path)
    if problem:
        raise NervesysError(f"use the path {path[:80]!r}: {problem}")
    return path


def inside(root: Path, path: str) -> Path:
    """The location of a file.

    Args:
        root: folder of the project's files.
        path: relative path.

    Raises:
        NervesysError: the path is invalid, or a symbolic link on it leads out of the project's files.
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

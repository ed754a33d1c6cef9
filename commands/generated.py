"""Writes generated files, or checks that they are up to date."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from nervesys.errors import NervesysError

if TYPE_CHECKING:
    from rich.console import Console


def write(folder: Path, files: Mapping[str, str], *, check: bool, obsolete: Iterable[str] = ()) -> list[Path]:
    """Write the files that have changed.

    Args:
        folder: output folder.
        files: text by relative path.
        check: do not write.
        obsolete: relative paths of files to delete.

    Returns:
        The files that were, or would be, written or deleted.

    Raises:
        NervesysError: a file cannot be written; the one that was there before is kept.
    """
    stale = [folder / name for name, text in files.items() if not _same(folder / name, text)]
    removed = [folder / name for name in obsolete if (folder / name).exists()]
    if not check:
        for path in stale:
            _replace(path, files[path.relative_to(folder).as_posix()])
        for path in removed:
            path.unlink()
    return [*stale, *removed]


def report(out: "Console", stale: Sequence[Path], *, check: bool) -> None:
    """Print what was written; with `check`, exit 1 if a file is out of date."""
    for path in stale:
        out.print(f"{'stale' if check else 'wrote'} {path}", soft_wrap=True)
    if not stale:
        out.print("All files are up to date.")
    if check and stale:
        raise typer.Exit(1)


def _replace(path: Path, text: str) -> None:
    """Write a file at once: a full disk never leaves half of it."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_bytes(text.encode())
        fresh.replace(path)
    except OSError as err:
        with suppress(OSError):
            fresh.unlink()
        raise NervesysError(f"write {path}: {err.strerror}") from err


def _same(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()

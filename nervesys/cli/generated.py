"""Files that are generated and committed: written, or checked for being fresh."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import typer
from rich.console import Console


def write(folder: Path, files: Mapping[str, str], *, check: bool, obsolete: Iterable[str] = ()) -> list[Path]:
    """Write the files that differ from what lies there.

    Args:
        folder: they lie below it.
        files: text by relative path.
        check: only look.
        obsolete: relative paths of files that must not be there.

    Returns:
        The files that were, or would be, written or removed.
    """
    stale = [folder / name for name, text in files.items() if not _same(folder / name, text)]
    left = [folder / name for name in obsolete if (folder / name).exists()]
    if not check:
        for path in stale:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[path.relative_to(folder).as_posix()])
        for path in left:
            path.unlink()
    return [*stale, *left]


def report(out: Console, stale: Sequence[Path], *, check: bool) -> None:
    """Say what was written; where only looking was asked for, exit 1 on anything stale."""
    for path in stale:
        out.print(f"{'stale' if check else 'wrote'} {path}", soft_wrap=True)
    if not stale:
        out.print("All files are fresh.")
    if check and stale:
        raise typer.Exit(1)


def _same(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text() == text

"""The files of a brain, behind an interface: a folder here, a Git commit in `nervesys.stores.trees`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from nervesys.errors import BadObject, Reason


class Tree(Protocol):
    """The files of one version of a brain."""

    def read(self, path: str) -> bytes | None:
        """The file's content, or None where there is none."""

    def names(self, folder: str) -> Sequence[str]:
        """The names of the files in a folder, sorted; empty where there is none."""


@dataclass(frozen=True)
class FolderTree:
    """A brain that is a plain folder."""

    root: Path

    def read(self, path: str, *, max_bytes: int | None = None) -> bytes | None:
        """The file's content, or None where there is none.

        Raises:
            BadObject: `too_large` if it is larger than `max_bytes`.
        """
        file = self.root / path
        if max_bytes is not None and file.is_file() and file.stat().st_size > max_bytes:
            raise BadObject(Reason.TOO_LARGE, f"{path}: more than {max_bytes} bytes")
        return file.read_bytes() if file.is_file() else None

    def names(self, folder: str) -> list[str]:
        """The names of the files in a folder, sorted."""
        found = self.root / folder
        return sorted(entry.name for entry in found.iterdir() if entry.is_file()) if found.is_dir() else []

    def folders(self, folder: str) -> list[str]:
        """The names of the folders in a folder, sorted; a link is none."""
        found = self.root / folder
        entries = found.iterdir() if found.is_dir() else ()
        return sorted(entry.name for entry in entries if entry.is_dir() and not entry.is_symlink())


def shipped_root() -> Path:
    """The folder that holds the shipped `config/`: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parent.parent
    return package if (package / "config").is_dir() else package.parent

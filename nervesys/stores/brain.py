"""The brain: configuration is read from one branch, status and logs are written to another."""

from pathlib import Path

from nervesys.errors import BrainUnavailable
from nervesys.settings import FolderTree, Place, Tree, shipped_root


def open_tree(place: Place, program: str) -> Tree:  # noqa: ARG001  # the mirror of a Git brain is the program's own
    """The newest configuration that can be had: of a folder, of the shipped example, or of a Git repository.

    Raises:
        BrainUnavailable: it cannot be read, and no earlier copy is there.
    """
    if place.brain is None:
        return FolderTree(shipped_root())
    if Path(place.brain).is_dir():
        return FolderTree(Path(place.brain))
    raise BrainUnavailable(f"open {place.brain}: no such folder")

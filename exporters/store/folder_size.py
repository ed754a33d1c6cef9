"""What a folder of the store holds, added up."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FolderSize:
    """What some folder holds.

    Attributes:
        objects: how many.
        bytes: their sum.
        newest: when the newest was written, Unix seconds; 0 where there is none.
        overdue: how many are older than retention lets them be.
    """

    objects: int = 0
    bytes: int = 0
    newest: float = 0
    overdue: int = 0

    def __add__(self, other: "FolderSize") -> "FolderSize":
        return FolderSize(
            self.objects + other.objects,
            self.bytes + other.bytes,
            max(self.newest, other.newest),
            self.overdue + other.overdue,
        )

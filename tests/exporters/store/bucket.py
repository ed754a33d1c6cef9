"""A bucket for area tests: a folder whose objects have the age that they are given, and which notes what is asked."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from nervesys.errors import StoreUnavailable
from nervesys.stores.objects import Listing
from tests.stores import FolderStore


class Bucket(FolderStore):
    """Notes what it is asked for, and fails on demand.

    Attributes:
        lists: prefixes listed.
        gets: keys fetched.
        gets_left: before every further GET fails.
        refused: keys whose GETs fail, and how.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        root.mkdir(exist_ok=True)
        self.root = root
        self.lists: list[str] = []
        self.gets: list[str] = []
        self.gets_left = 10_000
        self.refused: dict[str, type[StoreUnavailable]] = {}

    def lay(self, key: str, body: bytes, modified: float) -> None:
        """Write an object of that age."""
        self.put(key, body)
        os.utime(self.root / key, (modified, modified))

    def forget(self) -> None:
        """Begin to note anew."""
        self.lists, self.gets = [], []

    def list(self, prefix: str, *, recursive: bool = True) -> Listing:
        self.lists.append(prefix)
        return super().list(prefix, recursive=recursive)

    @contextmanager
    def open(self, key: str) -> Iterator[IO[bytes]]:
        if key in self.refused:
            raise self.refused[key](f"get {key}: refused")
        if not self.gets_left:
            raise StoreUnavailable(f"get {key}: refused")
        self.gets_left -= 1
        self.gets.append(key)
        with super().open(key) as stream:
            yield stream


def read_series(plain: bytes) -> dict[str, float]:
    """The samples of an exposition, by series without the prefix."""
    lines = [line for line in plain.decode().splitlines() if not line.startswith("#")]
    return {series.removeprefix("nervesys_"): float(value) for series, value in (line.rsplit(" ", 1) for line in lines)}

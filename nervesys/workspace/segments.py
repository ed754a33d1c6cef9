"""A log as its readers see it: numbered segments, of which the last grows and the others are sealed and gzipped.

    {name}.000001.log.gz    sealed
    {name}.000002.log       sealed, to be gzipped soon
    {name}.log              the live one
    {name}.torn             last lines that were never finished, set aside

Readers take no lock. What they have read up to is a `Point`, from which they go on after any rotation.
"""

import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

CHUNK_BYTES = 1 << 20


class Point(NamedTuple):
    """A place between two lines.

    Attributes:
        segment: its number, from 1.
        offset: bytes of that segment, as they are when unzipped, that lie before it.
    """

    segment: int
    offset: int


START = Point(1, 0)


class Chunk(NamedTuple):
    """Whole lines, read at once.

    Attributes:
        lines: each ends with a newline.
        before: where the first begins.
        after: where the last ends.
        damage: why the rest of this segment cannot be read; empty where it can.
    """

    lines: bytes
    before: Point
    after: Point
    damage: str = ""


class Segments:
    """The files of one log.

    Args:
        folder: that holds them.
        name: of the log.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self._name = name
        self._sealed = re.compile(rf"{re.escape(name)}\.(\d{{6,}})\.log(\.gz)?")
        self.live = folder / f"{name}.log"
        self.torn = folder / f"{name}.torn"

    def plain(self, number: int) -> Path:
        """A sealed segment that is not gzipped yet."""
        return self.folder / f"{self._name}.{number:06}.log"

    def zipped(self, number: int) -> Path:
        """A sealed segment that is."""
        return self.folder / f"{self._name}.{number:06}.log.gz"

    def sealed(self) -> dict[int, Path]:
        """The sealed segments by number; of two forms the gzipped one, for it is complete once it is there."""
        found = sorted(path for path in self.folder.glob(f"{self._name}.*") if self._sealed.fullmatch(path.name))
        return {int(path.name.split(".")[-2 if path.suffix == ".log" else -3]): path for path in found}

    def end(self) -> Point:
        """Where the log ends now."""
        number = max(self.sealed(), default=0) + 1
        return Point(number, self.live.stat().st_size if self.live.exists() else 0)

    def chunks(self, point: Point = START) -> Iterator[Chunk]:
        """What follows a point, up to the last whole line; of a segment that is damaged, what can be read."""
        while True:
            sealed, file = self._open(point.segment)
            if file is not None:
                with file:
                    yield from _chunks(file, point)
            if not sealed:
                return
            point = Point(point.segment + 1, 0)

    def _open(self, number: int) -> tuple[bool, BinaryIO | None]:
        """A segment, and whether it is sealed; while it is looked for, it may be sealed, or gzipped."""
        while True:
            try:
                return True, self.plain(number).open("rb")
            except FileNotFoundError:
                pass
            try:
                return True, cast("BinaryIO", gzip.open(self.zipped(number)))
            except FileNotFoundError:
                pass
            file = self.live.open("rb") if self.live.exists() else None
            if not self.plain(number).exists() and not self.zipped(number).exists():
                return number <= max(self.sealed(), default=0), file
            if file is not None:
                file.close()


def _chunks(file: BinaryIO, point: Point) -> Iterator[Chunk]:
    number, offset = point
    rest = b""
    try:
        file.seek(offset)
        while block := file.read(CHUNK_BYTES):
            block = rest + block
            end = block.rfind(b"\n") + 1
            rest = block[end:]
            if end:
                after = Point(number, offset + end)
                yield Chunk(block[:end], Point(number, offset), after)
                offset += end
    except (gzip.BadGzipFile, EOFError, zlib.error) as err:
        here = Point(number, offset)
        yield Chunk(b"", here, here, f"segment {number}: {err}")

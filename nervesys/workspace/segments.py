"""The reading side of a log: numbered segments, of which the last one grows and the others are closed and gzipped.

    {name}.000001.log.gz    closed
    {name}.000002.log       closed, to be gzipped soon
    {name}.log              the live segment
    {name}.torn             incomplete lines that were moved aside

Readers take no lock. They remember a `Point`, from which they continue even after rotations.
"""

import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

CHUNK_BYTES = 1 << 20


class Point(NamedTuple):
    """A position between two lines.

    Attributes:
        segment: number of the segment, from 1.
        offset: offset in the uncompressed segment, in bytes.
    """

    segment: int
    offset: int


START = Point(1, 0)


class Chunk(NamedTuple):
    """Some complete lines.

    Attributes:
        lines: each ends with a newline.
        before: start of the first line.
        after: end of the last line.
        damage: why the rest of the segment cannot be read; empty if it can.
    """

    lines: bytes
    before: Point
    after: Point
    damage: str = ""


class Segments:
    """The files of one log.

    Args:
        folder: their folder.
        name: of the log.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self._name = name
        self._closed_name = re.compile(rf"{re.escape(name)}\.(\d{{6,}})\.log(\.gz)?")
        self.live = folder / f"{name}.log"
        self.torn = folder / f"{name}.torn"

    def plain_path(self, number: int) -> Path:
        """The file of a closed segment that is not gzipped yet."""
        return self.folder / f"{self._name}.{number:06}.log"

    def gzip_path(self, number: int) -> Path:
        """The file of a closed, gzipped segment."""
        return self.folder / f"{self._name}.{number:06}.log.gz"

    def closed(self) -> dict[int, Path]:
        """The closed segments by number; if both forms exist, the gzipped one, which is complete once it exists."""
        found = sorted(path for path in self.folder.glob(f"{self._name}.*") if self._closed_name.fullmatch(path.name))
        return {int(path.name.split(".")[-2 if path.suffix == ".log" else -3]): path for path in found}

    def end(self) -> Point:
        """The current end of the log."""
        number = max(self.closed(), default=0) + 1
        return Point(number, self.live.stat().st_size if self.live.exists() else 0)

    def chunks(self, point: Point = START) -> Iterator[Chunk]:
        """The lines after a point, up to the last complete one; of a damaged segment, those that can be read."""
        while True:
            closed, file = self._open(point.segment)
            if file is not None:
                with file:
                    yield from _chunks(file, point)
            if not closed:
                return
            point = Point(point.segment + 1, 0)

    def _open(self, number: int) -> tuple[bool, BinaryIO | None]:
        """Open a segment, and tell whether it is closed; it may be closed or gzipped at any moment."""
        while True:
            try:
                return True, self.plain_path(number).open("rb")
            except FileNotFoundError:
                pass
            try:
                return True, cast("BinaryIO", gzip.open(self.gzip_path(number)))
            except FileNotFoundError:
                pass
            file = self.live.open("rb") if self.live.exists() else None
            if not self.plain_path(number).exists() and not self.gzip_path(number).exists():
                return number <= max(self.closed(), default=0), file
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

"""Merges a day's logs into the archive's files, one for each category, streamed through temporary files."""

import gzip
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import IO

from nervesys.contract import Category, LogRecord
from nervesys.errors import BadObject, Reason
from nervesys.stores.archive import Archive, put_verified
from nervesys.stores.lines import lines_of
from nervesys.stores.sealing import both_forms, name_for, sealed

MAX_INFLATED_BYTES = 16 << 30
"""Of one file of the archive; its lines are streamed."""
GZIP_LEVEL = 6
REST = Category.SYSTEM
"""Takes what is of no known category, or no record at all: nothing is left behind."""


class DayFile:
    """One file in the making: what the archive holds already, then what is new.

    A line that lies there is not added again: a round that was interrupted after its upload finds all its lines there.
    Equal lines are counted, so that two equal records stay two.

    Args:
        there: the lines that the archive holds.
        body: takes the gzipped file.
    """

    def __init__(self, there: Iterable[bytes], body: IO[bytes]) -> None:
        self.body = body
        self.added = 0
        """Lines that the archive does not hold."""
        self._there: Counter[bytes] = Counter()
        self._out = gzip.GzipFile(fileobj=body, mode="wb", compresslevel=GZIP_LEVEL, mtime=0)
        for line in map(_whole, there):
            self._there[_digest(line)] += 1
            self._out.write(line)

    def carry(self, lines: Iterable[bytes]) -> None:
        """Take in the lines of the same file in another form, but those that lie here already."""
        left = self._there.copy()
        for line in map(_whole, lines):
            digest = _digest(line)
            if left[digest]:
                left[digest] -= 1
                continue
            self._there[digest] += 1
            self._out.write(line)
            self.added += 1

    def add(self, line: bytes) -> None:
        """Add a line, unless it lies there."""
        line = _whole(line)
        digest = _digest(line)
        if self._there[digest]:
            self._there[digest] -= 1
            return
        self._out.write(line)
        self.added += 1

    def close(self) -> None:
        """Complete the file."""
        self._out.close()


def merge(
    archive: Archive, lines: Iterable[bytes], path: Callable[[Category], str], recipients: Sequence[str] = ()
) -> None:
    """Bring lines into the archive; when this returns they lie there, read back and compared.

    Args:
        archive: that takes them.
        lines: of one server and day.
        path: of a category's file.
        recipients: who alone are to read it; what others could read is replaced.

    Raises:
        ArchiveUnavailable: the archive does not answer, or what arrived is not what was sent.
        BadObject: a file that lies there cannot be read, and is not overwritten; or it grows too large.
    """
    files: dict[Category, DayFile] = {}
    replaced: list[str] = []
    with ExitStack() as stack:
        for line in lines:
            if line.isspace():
                continue
            category = _category(line)
            if category not in files:
                body = stack.enter_context(TemporaryFile())
                kept, other = _forms(path(category), recipients)
                files[category] = DayFile(_lines_there(archive, kept, stack) or (), body)
                if (outdated := _lines_there(archive, other, stack)) is not None:
                    replaced.append(other)
                    files[category].carry(outdated)
            files[category].add(line)
        for category, file in files.items():
            file.close()
            if file.added:
                with sealed(file.body, recipients) as whole:
                    put_verified(archive, name_for(path(category), recipients), whole)
        for form in replaced:
            archive.delete(form)


def _forms(path: str, recipients: Sequence[str]) -> tuple[str, str]:
    """Of the two forms of a file the one that is written, and the one that recipients chosen since have outdated."""
    kept = name_for(path, recipients)
    return kept, next(form for form in both_forms(path) if form != kept)


def _lines_there(archive: Archive, path: str, stack: ExitStack) -> Iterable[bytes] | None:
    """The lines of a file, open until the stack is closed; None where there is no such file."""
    try:
        body = stack.enter_context(archive.open(path))
    except BadObject as bad:
        if bad.reason is Reason.GONE:
            return None
        raise
    return lines_of(body, path, max_bytes=MAX_INFLATED_BYTES)


def _category(line: bytes) -> Category:
    try:
        category = LogRecord.parse(line).category
    except BadObject:
        return REST
    return REST if category is Category.OTHER else category


def _whole(line: bytes) -> bytes:
    """The line with its end, which the last one of a file may lack."""
    return line.rstrip(b"\r\n") + b"\n"


def _digest(line: bytes) -> bytes:
    return hashlib.blake2b(line, digest_size=16).digest()

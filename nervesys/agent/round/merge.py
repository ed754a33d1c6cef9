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
from nervesys.stores.encryption import encrypted_file, key_for, key_variants
from nervesys.stores.lines import lines_of

MAX_INFLATED_BYTES = 16 << 30
"""Of one file of the archive; its lines are streamed."""
GZIP_LEVEL = 6
REST = Category.SYSTEM
"""For lines of an unknown category, or that are no records: every line is archived."""


class DayFile:
    """Builds one file of the archive: the lines that it holds already, then new ones.

    A line that is already in it is not added again: a round that was interrupted after its upload finds all its lines.
    Equal lines are counted, so that two equal records stay two.

    Args:
        stored: the lines in the archive.
        body: target of the gzipped file.
    """

    def __init__(self, stored: Iterable[bytes], body: IO[bytes]) -> None:
        self.body = body
        self.added = 0
        """Number of lines that are not in the archive yet."""
        self._unmatched: Counter[bytes] = Counter()
        self._out = gzip.GzipFile(fileobj=body, mode="wb", compresslevel=GZIP_LEVEL, mtime=0)
        for line in map(_with_newline, stored):
            self._unmatched[_digest(line)] += 1
            self._out.write(line)

    def add_other_form(self, lines: Iterable[bytes]) -> None:
        """Add the lines of the same file in its other form, except those already added."""
        left = self._unmatched.copy()
        for line in map(_with_newline, lines):
            digest = _digest(line)
            if left[digest]:
                left[digest] -= 1
                continue
            self._unmatched[digest] += 1
            self._out.write(line)
            self.added += 1

    def add(self, line: bytes) -> None:
        """Add a line, unless it is already in the archive."""
        line = _with_newline(line)
        digest = _digest(line)
        if self._unmatched[digest]:
            self._unmatched[digest] -= 1
            return
        self._out.write(line)
        self.added += 1

    def close(self) -> None:
        """Finish the gzip stream."""
        self._out.close()


def merge(
    archive: Archive,
    lines: Iterable[bytes],
    path: Callable[[Category], str],
    recipients: Sequence[str] = (),
    sort: Callable[[bytes], Category] | None = None,
) -> None:
    """Add lines to the archive's files; each upload is read back and compared.

    Args:
        archive: to write to.
        lines: of one server and day.
        path: returns the path of a category's file.
        recipients: of age encryption; a file encrypted otherwise, or not at all, is replaced.
        sort: returns the category of a line; default `category_of_line`.

    Raises:
        ArchiveUnavailable: the archive does not answer, or the stored body differs from the one sent.
        BadObject: an existing file cannot be read, and is not overwritten; or it grows too large.
    """
    files: dict[Category, DayFile] = {}
    replaced: list[str] = []
    with ExitStack() as stack:
        for line in lines:
            if line.isspace():
                continue
            category = (sort or category_of_line)(line)
            if category not in files:
                body = stack.enter_context(TemporaryFile())
                current, other = _current_and_other_form(path(category), recipients)
                files[category] = DayFile(_stored_lines(archive, current, stack) or (), body)
                if (outdated := _stored_lines(archive, other, stack)) is not None:
                    replaced.append(other)
                    files[category].add_other_form(outdated)
            files[category].add(line)
        for category, file in files.items():
            file.close()
            if file.added:
                with encrypted_file(file.body, recipients) as whole:
                    put_verified(archive, key_for(path(category), recipients), whole)
        for form in replaced:
            archive.delete(form)


def _current_and_other_form(path: str, recipients: Sequence[str]) -> tuple[str, str]:
    """Names of a file, sealed or plain: the current one, and the outdated one from before recipients were changed."""
    current = key_for(path, recipients)
    return current, next(form for form in key_variants(path) if form != current)


def _stored_lines(archive: Archive, path: str, stack: ExitStack) -> Iterable[bytes] | None:
    """Lines of a file, open until the stack is closed; None if there is no such file."""
    try:
        body = stack.enter_context(archive.open(path))
    except BadObject as bad:
        if bad.reason is Reason.GONE:
            return None
        raise
    return lines_of(body, path, max_bytes=MAX_INFLATED_BYTES)


def category_of_line(line: bytes) -> Category:
    """The category of a log record."""
    try:
        category = LogRecord.parse(line).category
    except BadObject:
        return REST
    return REST if category is Category.OTHER else category


def single_file(_: bytes) -> Category:
    """One category for all lines, where there is one file for all."""
    return REST


def _with_newline(line: bytes) -> bytes:
    """The line with a newline, which the last one of a file may lack."""
    return line.rstrip(b"\r\n") + b"\n"


def _digest(line: bytes) -> bytes:
    return hashlib.blake2b(line, digest_size=16).digest()

"""Copies documents of the brain, and reports, to the store and to the documents of the archive: two copies of each.

    store    documents/docs/plan.md, documents/Reports/Daily/….pdf
    archive  Documentation/docs/plan.md, Documentation/Reports/Daily/….pdf, Documentation/index.json

Only what is new or changed is copied: the index holds the SHA-256 of each document. Copies of deleted ones stay.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from typing import IO, Protocol

from nervesys.agent.round.run import Round
from nervesys.contract import PathTemplate
from nervesys.errors import BadObject, NervesysError, Reason, StoreUnavailable
from nervesys.plural import count
from nervesys.stores.archive import files_of, put_verified
from nervesys.stores.archive_layout import REPORTS, ArchiveLayout

INDEX = "index.json"
MAX_INDEX_BYTES = 64 << 20
MAX_BYTES = 64 << 20
"""Largest document of the brain."""


class DocumentTree(Protocol):
    """The files of a brain, with their folders."""

    def read(self, path: str, *, max_bytes: int | None = None) -> bytes | None:
        """The file's content; None if there is no such file."""

    def names(self, folder: str) -> list[str]:
        """The names of the files in a folder."""

    def folders(self, folder: str) -> list[str]:
        """The names of the folders in a folder."""


@dataclass(frozen=True)
class DueDocument:
    """A document that may have to be copied.

    Attributes:
        path: below the folders of documents.
        stamp: changes with the content.
        open: opens its content.
    """

    path: str
    stamp: str
    open: Callable[[], AbstractContextManager[IO[bytes]]]


@dataclass
class Documents:
    """The copies of documents.

    Attributes:
        round: store, archive and settings.
        tree: files of the brain; None to copy reports only.
        problems: documents that could not be read.
    """

    round: Round
    tree: DocumentTree | None
    problems: list[str] = field(default_factory=list)

    def due(self) -> list[DueDocument]:
        """Documents that are new, have changed, or lack one of their copies.

        Raises:
            StoreUnavailable: the store does not respond.
            ArchiveUnavailable: the archive does not respond.
        """
        index = self._read_index()
        files = {file.path for file in files_of(self.round.archive)}
        keys = {info.key for info in self.round.store.list(self._prefixes[0]).objects}
        return [
            document
            for document in self._all()
            if index.get(document.path) != document.stamp
            or f"{self._prefixes[0]}{document.path}" not in keys
            or f"{self._prefixes[1]}{document.path}" not in files
        ]

    def run(self, progress: Callable[[str], None]) -> list[str]:
        """Copy what is due; returns problems. A document that cannot be read costs itself alone.

        Raises:
            ArchiveUnavailable: the archive does not respond; the next round continues.
        """
        try:
            copied = {document.path: document.stamp for document in self.due() if self._copy(document)}
            if copied:
                body = json.dumps({"documents": self._read_index() | copied}, indent=1, sort_keys=True).encode() + b"\n"
                put_verified(self.round.archive, f"{self._prefixes[1]}{INDEX}", BytesIO(body))
                progress(f"copied {count(len(copied), 'document')} to the store and the archive")
        except (StoreUnavailable, BadObject) as err:
            return [*self.problems, f"documents are not copied: {err}"]
        return self.problems

    @property
    def _prefixes(self) -> tuple[str, str]:
        """Of the store, and of the archive."""
        storage = self.round.storage
        store, archive = storage.storj.paths.documents, storage.archive.paths.documents
        return PathTemplate(store).prefix(), PathTemplate(archive).prefix()

    def _all(self) -> Iterator[DueDocument]:
        settings = self.round.storage.documents
        if self.tree is not None:
            for folder in settings.folders:
                for path in _walk(self.tree, folder):
                    yield from self._brain_document(self.tree, path)
        if settings.reports:
            layout = ArchiveLayout(self.round.storage)
            for file in files_of(self.round.archive):
                if _area(layout, file.path) in REPORTS:
                    stamp = f"{file.size} bytes, {file.modified:.0f}"
                    yield DueDocument(file.path, stamp, partial(self.round.archive.open, file.path))

    def _brain_document(self, tree: DocumentTree, path: str) -> Iterator[DueDocument]:
        try:
            body = tree.read(path, max_bytes=MAX_BYTES) or b""
        except (NervesysError, OSError) as err:
            self.problems.append(f"{path} is not copied: {err}")
            return
        yield DueDocument(path, f"sha256:{hashlib.sha256(body).hexdigest()}", lambda: BytesIO(body))

    def _copy(self, document: DueDocument) -> bool:
        """Copy a document; False for one that cannot be read, or was deleted meanwhile."""
        try:
            with document.open() as body:
                put_verified(self.round.archive, f"{self._prefixes[1]}{document.path}", body)
                body.seek(0)
                self.round.store.put(f"{self._prefixes[0]}{document.path}", body)
        except BadObject as bad:
            self.problems.append(f"{document.path} is not copied: {bad}")
            return False
        return True

    def _read_index(self) -> dict[str, str]:
        """Stamps by path; empty if there is no index, or it cannot be parsed."""
        try:
            body = self.round.archive.get(f"{self._prefixes[1]}{INDEX}", max_bytes=MAX_INDEX_BYTES)
            return {str(path): str(stamp) for path, stamp in json.loads(body)["documents"].items()}
        except BadObject as bad:
            if bad.reason is not Reason.GONE:
                raise
            return {}
        except (AttributeError, KeyError, TypeError, ValueError):
            return {}


def _walk(tree: DocumentTree, folder: str) -> Iterator[str]:
    """The files below a folder; hidden ones, and names that leave it, are left out."""
    for name in tree.names(folder):
        if _is_plain(name):
            yield f"{folder}/{name}"
    for name in tree.folders(folder):
        if _is_plain(name):
            yield from _walk(tree, f"{folder}/{name}")


def _is_plain(name: str) -> bool:
    return not name.startswith(".") and "/" not in name and "\0" not in name


def _area(layout: ArchiveLayout, path: str) -> str:
    try:
        return layout.classify(path).area
    except BadObject:
        return ""

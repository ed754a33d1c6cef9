"""The list of the archive's files, kept up to date by its change feed and cached across restarts."""

import json
from collections.abc import Callable, Collection, Iterator
from typing import TypeVar

from exporters.runner import SourceContext
from nervesys.stores.archive import Archive, ArchiveFile, Catalogue, Changes, Entry

AREA = "archive"
TOKEN = ""
"""Key of the change token in the cache; no entry of the archive has an empty id."""

Response = TypeVar("Response", Changes, Changes | None)


class CachedCatalogue:
    """The catalogue of the archive, kept up to date by its change feed where it has one, and cached across restarts.

    Args:
        archive: the archive.
        context: cache, and the count of requests.
    """

    def __init__(self, archive: Archive, context: SourceContext) -> None:
        self._archive = archive
        self._cache = context.cache
        self._health = context.health
        self._catalogue: Catalogue | None = None
        self._token = ""
        self._health.expect("list", "changes")

    def update(self) -> bool:
        """Bring the catalogue up to date; returns whether anything changed."""
        root = self._archive.root
        catalogue = self._catalogue or self._load(root)
        changes = self._request("changes", lambda: self._archive.changes(self._token)) if self._token else None
        removed: Collection[str] = changes.removed if changes else [key for key, _, _ in self._cache.bodies(AREA)]
        first = self._catalogue is None or changes is None
        if changes is None:
            changes, catalogue = self._request("list", self._archive.list), Catalogue(root)
        catalogue.apply(changes)
        self._remember(root, changes, removed)
        self._catalogue, self._token = catalogue, changes.token
        return first or bool(changes.entries or changes.removed)

    def files(self) -> Iterator[ArchiveFile]:
        """Every file, as of the last update."""
        return self._catalogue.files() if self._catalogue else iter(())

    def _request(self, operation: str, request: Callable[[], Response]) -> Response:
        with self._health.request(operation):
            response = request()
        if response is not None:
            self._health.count(operation, "ok", by=response.pages - 1)
        return response

    def _load(self, root: str) -> Catalogue:
        """The cached catalogue, where it is of this root."""
        rows = {key: (version, body or b"") for key, version, body in self._cache.bodies(AREA)}
        token, of_root = rows.pop(TOKEN, ("", b""))
        if of_root.decode() != root:  # the settings name another archive since
            return Catalogue(root)
        self._token = token
        return Catalogue(root, (Entry(key, *json.loads(body)) for key, (_, body) in rows.items()))

    def _remember(self, root: str, changes: Changes, removed: Collection[str]) -> None:
        """Cache the changes for the next start; without a token the next start lists everything anyway."""
        if not changes.token:
            return
        rows = [(it.id, "", json.dumps([it.name, it.parent, it.size, it.modified]).encode()) for it in changes.entries]
        self._cache.keep_bodies(AREA, [*rows, (TOKEN, changes.token, root.encode())], removed)

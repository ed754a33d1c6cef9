"""The entities that serve their vital signs over HTTP."""

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from exporters.runner import Refresh, SourceContext
from exporters.vitality.signs import MAX_BYTES, EntityState, Freshness
from nervesys.contract import VitalSigns
from nervesys.errors import BadObject, SourceError
from nervesys.stores.http_get import FetchedObject, fetch

SERVED = "vitality-served"

log = logging.getLogger(__name__)


class HttpEntities:
    """Requests all of them concurrently; the heartbeat is the timestamp in the response.

    Args:
        context: settings, cache and shard.
    """

    def __init__(self, context: SourceContext) -> None:
        settings = context.settings.monitoring.vitality
        self._urls = {entity: url for entity, url in settings.urls.items() if context.shard.owns(entity)}
        self._seconds = settings.timeout_seconds
        self._context = context
        self._pool = ThreadPoolExecutor(context.settings.storage.storj.concurrency, thread_name_prefix=SERVED)
        self._held: dict[str, tuple[str, VitalSigns]] = {}
        self._silent: set[str] = set()
        if self._urls:
            context.health.expect("fetch")
        for entity, version, body in context.cache.bodies(SERVED):
            with suppress(BadObject):
                self._held[entity] = version, VitalSigns.parse(body or b"")

    def read(self, out: Refresh) -> dict[str, EntityState]:
        """One refresh; an entity that does not respond, or responds with invalid data, keeps its last state."""
        fresh = Freshness(self._context.clock(), self._context.settings.thresholds)
        fresh_bodies: list[tuple[str, str, bytes]] = []
        for entity, page in zip(self._urls, self._pool.map(self._page, self._urls), strict=True):
            if page is not None and (good := self._accept(entity, page, fresh, out)):
                fresh_bodies.append((entity, *good))
        gone = self._held.keys() - self._urls.keys()
        self._context.cache.keep_bodies(SERVED, fresh_bodies, gone)
        for entity in gone:
            del self._held[entity]
        return {
            entity: EntityState(signs.timestamp, f"{version} {signs.timestamp}", signs, fresh.live(signs.timestamp))
            for entity, (version, signs) in self._held.items()
        }

    def _page(self, entity: str) -> FetchedObject | BadObject | None:
        url, etag = self._urls[entity], self._held[entity][0] if entity in self._held else ""
        try:
            with self._context.health.request("fetch"):
                page = fetch(url, etag, max_bytes=MAX_BYTES, timeout_seconds=self._seconds)
        except BadObject as bad:
            return bad
        except SourceError as err:
            if entity not in self._silent:
                log.warning("%s does not respond: %s", entity, err)
            self._silent.add(entity)
            return None
        self._silent.discard(entity)
        return page

    def _accept(
        self, entity: str, page: FetchedObject | BadObject, fresh: Freshness, out: Refresh
    ) -> FetchedObject | None:
        """Store an entity's response; returns None where it is rejected."""
        try:
            if isinstance(page, BadObject):
                raise page
            signs = VitalSigns.parse(page.body)
            fresh.check(signs.timestamp)
        except BadObject as bad:
            out.reject(self._urls[entity], page.body if isinstance(page, FetchedObject) else "", bad)
            return None
        self._held[entity] = page.version, signs
        return page

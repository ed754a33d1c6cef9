"""The entities that write their vital signs to the store."""

from collections.abc import Iterable

from exporters.runner import Context, Refresh
from exporters.store.bodies import Bodies
from exporters.vitality.signs import AREA, MAX_BYTES, Freshness, Seen
from nervesys.contract import PathTemplate, VitalSigns
from nervesys.contract.names import entity_name
from nervesys.errors import BadObject, Reason
from nervesys.stores.objects import ObjectInfo, ObjectReader


class Written:
    """Reads a whole area; the heartbeat is LastModified, by the store's clock.

    Args:
        store: the store.
        context: settings, cache and shard.
    """

    def __init__(self, store: ObjectReader, context: Context) -> None:
        self._store = store
        self._context = context
        self._template = PathTemplate(context.settings.storage.storj.paths.vitality)
        self._bodies = Bodies(AREA, store, context, VitalSigns.parse, MAX_BYTES)

    def read(self, out: Refresh) -> dict[str, Seen]:
        """One pass.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        listing = self._store.list(self._template.prefix())
        fresh = Freshness(listing.clock or self._context.clock(), self._context.settings.thresholds)
        found = self._found(listing.objects, fresh, out)
        bodies = self._bodies.read(found.values(), out)
        return {
            entity: Seen(info.modified, info.version, bodies.get(info.key), fresh.live(info.modified))
            for entity, info in found.items()
        }

    def _found(self, objects: Iterable[ObjectInfo], fresh: Freshness, out: Refresh) -> dict[str, ObjectInfo]:
        """The newest object of each entity; a name that is none, and a heartbeat from the future, are rejected."""
        found: dict[str, ObjectInfo] = {}
        for info in objects:
            try:
                entity = self._entity(info.key)
                fresh.check(info.modified)
            except BadObject as bad:
                out.reject(info.key, info.version, bad)
                continue
            if self._context.shard.owns(entity) and (entity not in found or found[entity].modified < info.modified):
                found[entity] = info
        return found

    def _entity(self, key: str) -> str:
        fields = self._template.parse(key)
        if fields is None:
            raise BadObject(Reason.BAD_KEY, f"not of {self._template.text}")
        return entity_name(fields["entity"])

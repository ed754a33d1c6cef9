"""The entities that write their vital signs to the store."""

from collections.abc import Iterable

from exporters.runner import Refresh, SourceContext
from exporters.shared.admission import NameAdmission
from exporters.store.bodies import Bodies
from exporters.vitality.signs import AREA, MAX_BYTES, EntityState, Freshness
from nervesys.contract import PathTemplate, VitalSigns
from nervesys.contract.names import entity_name
from nervesys.errors import BadObject, Reason
from nervesys.stores.objects import ObjectInfo, ObjectReader


class StoreEntities:
    """Reads a whole area; the heartbeat is LastModified, by the store's clock.

    Args:
        store: the store.
        context: settings, cache and shard.
    """

    def __init__(self, store: ObjectReader, context: SourceContext) -> None:
        self._store = store
        self._context = context
        self._template = PathTemplate(context.settings.storage.storj.paths.vitality)
        self._bodies = Bodies(AREA, store, context, VitalSigns.parse, MAX_BYTES)
        self._admission = NameAdmission(admitted=filter(None, map(self._entity_or_none, self._bodies.keys())))

    def read(self, out: Refresh) -> dict[str, EntityState]:
        """One pass.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        listing = self._store.list(self._template.prefix())
        fresh = Freshness(listing.clock or self._context.clock(), self._context.settings.thresholds)
        newest = self._newest_objects(listing.objects, fresh, out)
        bodies = self._bodies.read(newest.values(), out)
        return {
            entity: EntityState(info.modified, info.version, bodies.get(info.key), fresh.live(info.modified))
            for entity, info in newest.items()
        }

    def _newest_objects(self, objects: Iterable[ObjectInfo], fresh: Freshness, out: Refresh) -> dict[str, ObjectInfo]:
        """The newest object of each entity; a name that is none, and a heartbeat from the future, are rejected."""
        newest: dict[str, ObjectInfo] = {}
        for info in objects:
            try:
                entity = self._entity(info.key)
                fresh.check(info.modified)
            except BadObject as bad:
                out.reject(info.key, info.version, bad)
                continue
            if self._context.shard.owns(entity) and (entity not in newest or newest[entity].modified < info.modified):
                newest[entity] = info
        admitted = self._admission.admit(newest)
        for entity in newest.keys() - admitted:
            out.reject(entity, 0, BadObject(Reason.LABEL_LIMIT, "too many entities; not shown"))
        return {entity: info for entity, info in newest.items() if entity in admitted}

    def _entity_or_none(self, key: str) -> str | None:
        try:
            return self._entity(key)
        except BadObject:
            return None

    def _entity(self, key: str) -> str:
        fields = self._template.parse(key)
        if fields is None:
            raise BadObject(Reason.BAD_KEY, f"not of {self._template.text}")
        return entity_name(fields["entity"])

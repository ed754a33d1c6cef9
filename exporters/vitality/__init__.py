"""Source `vitality`: heartbeat, reaction time and errors of each entity, from its vital signs.

Reads   one LIST a pass and one GET for each state whose ETag moved, several at a time; each URL of the settings once a
        pass, without a body where its ETag is the same.
Units   Unix seconds, seconds, bits, ratios from 0 to 1, counts since the entity started.
Errors  StoreUnavailable is raised: what entities serve is shown all the same. BadObject costs one body, counted by
        reason. A URL that does not answer is an entity that is silent, no failure of ours: its heartbeat grows old.
"""

from collections.abc import Sequence

from exporters.runner import Area, Refresh, Source, SourceContext
from exporters.shared.first_seen import FirstSeen
from exporters.store.counted_store import CountedStore
from exporters.vitality.http_entities import HttpEntities
from exporters.vitality.signs import AREA, FAMILIES, KINDS_LIMIT, EntityState, samples
from exporters.vitality.store_entities import StoreEntities
from nervesys.stores.objects import ObjectReader
from nervesys.stores.open_stores import open_store

KINDS = "vitality-kinds"


class VitalityArea:
    """All entities.

    Args:
        store: that some write to.
        context: settings, cache and shard.
    """

    def __init__(self, store: ObjectReader, context: SourceContext) -> None:
        self._store_entities, self._http_entities = (
            StoreEntities(CountedStore(store, context), context),
            HttpEntities(context),
        )
        self._in_store: dict[str, EntityState] = {}
        self._kinds = FirstSeen(context.cache, KINDS, KINDS_LIMIT)

    def refresh(self, out: Refresh) -> None:
        """One pass; what entities serve is shown also where the store does not answer."""
        served = self._http_entities.read(out)
        try:
            self._in_store = self._store_entities.read(out)
        finally:
            states = self._in_store | served
            out.keep_only(states.keys())
            self._kinds.keep_only(states.keys())
            for entity, state in states.items():
                kinds = self._kinds.observe(entity, (state.signs and state.signs.errors) or ())
                stamp = (state.heartbeat, state.version, state.live, state.signs is not None)
                out.put(entity, stamp, samples(entity, state, kinds))
            out.serve_on_failure = True  # entities over HTTP do not depend on the store


def areas(context: SourceContext) -> Sequence[Area]:
    """The one area."""
    vitality = VitalityArea(open_store(context.settings.storage.storj), context)
    every = context.settings.monitoring.every_seconds("vitality", AREA)
    return (Area(AREA, FAMILIES, every, vitality.refresh),)


SOURCE = Source(
    name="vitality",
    about="Heartbeat, reaction time and errors of each entity.",
    families=FAMILIES,
    areas=areas,
)

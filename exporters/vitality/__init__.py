"""Source `vitality`: heartbeat, reaction time and errors of each entity, from its vital signs.

Reads   one LIST a pass and one GET for each state whose ETag moved, several at a time; each URL of the settings once a
        pass, without a body where its ETag is the same.
Units   Unix seconds, seconds, bits, ratios from 0 to 1, counts since the entity started.
Errors  StoreUnavailable is raised: what entities serve is shown all the same. BadObject costs one body, counted by
        reason. A URL that does not answer is an entity that is silent, no failure of ours: its heartbeat grows old.
"""

from collections.abc import Sequence

from exporters.runner import Area, Context, Refresh, Source
from exporters.store.counted import CountedStore
from exporters.vitality.served import Served
from exporters.vitality.signs import AREA, FAMILIES, Seen, samples
from exporters.vitality.written import Written
from nervesys.stores.objects import ObjectReader
from nervesys.stores.open_stores import open_store


class Vitality:
    """All entities.

    Args:
        store: that some write to.
        context: settings, cache and shard.
    """

    def __init__(self, store: ObjectReader, context: Context) -> None:
        self._written, self._served = Written(CountedStore(store, context), context), Served(context)
        self._in_store: dict[str, Seen] = {}

    def refresh(self, out: Refresh) -> None:
        """One pass; what entities serve is shown also where the store does not answer."""
        served = self._served.read(out)
        try:
            self._in_store = self._written.read(out)
        finally:
            seen = self._in_store | served
            out.keep_only(seen.keys())
            for entity, one in seen.items():
                out.put(entity, (one.beat, one.version, one.live), samples(entity, one))
            out.stands = True


def areas(context: Context) -> Sequence[Area]:
    """The one area."""
    vitality = Vitality(open_store(context.settings.storage.storj), context)
    every = context.settings.monitoring.every_seconds("vitality", AREA)
    return (Area(AREA, FAMILIES, every, vitality.refresh),)


SOURCE = Source(
    name="vitality",
    about="Whether the pulse of each entity beats, and how quickly it reacts.",
    families=FAMILIES,
    areas=areas,
)

"""Source `traces`: calls of models and tools, from the spans that agents ship to the store."""

from collections.abc import Sequence
from functools import partial

from exporters.runner import Area, Source, SourceContext
from exporters.shared.push import PushArea
from exporters.shared.push_queue import PushQueue
from exporters.shared.push_sender import Sender
from exporters.store.counted_store import CountedStore
from exporters.traces import area, push
from exporters.traces.push import TraceTarget
from nervesys.stores.objects import ObjectReader
from nervesys.stores.open_stores import open_store


def areas(context: SourceContext) -> Sequence[Area]:
    """The areas of the store that the settings name."""
    return areas_of(open_store(context.settings.storage.storj), context)


def areas_of(store: ObjectReader, context: SourceContext) -> Sequence[Area]:
    """The areas of a given store; a single reading hands nothing on."""
    every = partial(context.settings.monitoring.every_seconds, "traces")
    settings = context.settings.monitoring.traces.push
    queue = PushQueue(context.cache, push.QUEUE) if settings.otlp and not context.once else None
    traces = Area("traces", area.FAMILIES, every("traces"), area.TracesArea(store, context, queue).refresh)
    if queue is None:
        return (traces,)
    sender = Sender(str(settings.otlp), settings, context.place.home / "secrets")
    pushing = PushArea(CountedStore(store, context), context, queue, TraceTarget(), sender)
    return traces, Area("push", push.FAMILIES.all, every("push"), pushing.refresh)


SOURCE = Source(
    name="traces",
    about="Calls of models and tools, from the spans that agents ship to the S3-compatible store.",
    families=(*area.FAMILIES, *push.FAMILIES.all),
    areas=areas,
    optional_areas={"push": "the settings name no collector to hand traces on to"},
)

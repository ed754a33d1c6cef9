"""Source `traces`: calls of models and tools, from the spans that agents ship to the store."""

from collections.abc import Sequence

from exporters.runner import Area, Source, SourceContext
from exporters.traces import area
from nervesys.stores.objects import ObjectReader
from nervesys.stores.open_stores import open_store


def areas(context: SourceContext) -> Sequence[Area]:
    """The areas of the store that the settings name."""
    return areas_of(open_store(context.settings.storage.storj), context)


def areas_of(store: ObjectReader, context: SourceContext) -> Sequence[Area]:
    """The areas of a given store."""
    traces = area.TracesArea(store, context)
    every_seconds = context.settings.monitoring.every_seconds("traces", "traces")
    return (Area("traces", area.FAMILIES, every_seconds, traces.refresh),)


SOURCE = Source(
    name="traces",
    about="Calls of models and tools, from the spans that agents ship to the S3-compatible store.",
    families=area.FAMILIES,
    areas=areas,
)

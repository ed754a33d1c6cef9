"""Source `store`: agents, servers, logs and sizes, from the S3-compatible store; one file an area."""

from collections.abc import Sequence
from functools import partial

from exporters.runner import Area, Source, SourceContext
from exporters.shared.push import PushArea
from exporters.shared.push_queue import PushQueue
from exporters.shared.push_sender import Sender
from exporters.store import agent_families, agents, log_push, logs, metrics, sizes, task_samples
from exporters.store.counted_store import CountedStore
from exporters.store.log_push import LogTarget
from exporters.store.precedence import Precedence
from exporters.store.shared_state import SharedState
from nervesys.contract import PathTemplate
from nervesys.stores.objects import ObjectReader
from nervesys.stores.open_stores import open_store

AGENT_FAMILIES = (*agent_families.FAMILIES, *task_samples.FAMILIES)


def areas(context: SourceContext) -> Sequence[Area]:
    """The areas of the store that the settings name."""
    return areas_of(open_store(context.settings.storage.storj), context)


def areas_of(store: ObjectReader, context: SourceContext) -> Sequence[Area]:
    """The areas of a given store; of more shards than parts, the last ones have no sizes to measure."""
    shared, precedence = SharedState(), Precedence()
    first, counted = CountedStore(store, context), CountedStore(store, context, precedence.wait)
    agents_area = agents.AgentsArea(first, context, shared)
    every = partial(context.settings.monitoring.every_seconds, "store")
    push = context.settings.logs.push
    queue = PushQueue(context.cache, log_push.QUEUE) if push.url and not context.once else None
    all_areas = (
        Area("agents", AGENT_FAMILIES, every("agents"), precedence.of(agents_area.refresh)),
        Area("metrics", metrics.FAMILIES, every("metrics"), metrics.MetricsArea(counted, context, shared).refresh),
        Area("logs", logs.FAMILIES, every("logs"), logs.LogsArea(counted, context, shared, queue).refresh),
        Area("sizes", sizes.FAMILIES, every("sizes"), sizes.SizesArea(counted, context, shared).refresh),
    )
    shown = all_areas if sizes.parts_of(context.shard) else all_areas[:-1]
    if queue is None:
        return shown
    target = LogTarget(push.kind, PathTemplate(context.settings.storage.storj.paths.active_logs))
    sender = PushArea(counted, context, queue, target, Sender(str(push.url), push, context.place.home / "secrets"))
    return (*shown, Area("push", log_push.FAMILIES.all, every("push"), sender.refresh))


SOURCE = Source(
    name="store",
    about="Agents, servers and logs, as the S3-compatible store shows them.",
    families=(*AGENT_FAMILIES, *metrics.FAMILIES, *logs.FAMILIES, *sizes.FAMILIES, *log_push.FAMILIES.all),
    areas=areas,
    optional_areas={"push": "no log database is configured"},
)

"""What all sources share: it refreshes each area at its own interval, and serves the rendered text.

A source is one module that ends in `SOURCE = Source(...)`: its families as a table, and a function that opens its
areas. `exporters.sources` finds it by its name; nothing else knows it.
"""

from exporters.runner.cache import Cache
from exporters.runner.group import ExporterGroup, MountedSource
from exporters.runner.health import OWN_FAMILIES, Health
from exporters.runner.model import TOLERATED, WHOLE, Area, Shard, Source, SourceContext
from exporters.runner.open_runner import open_source
from exporters.runner.refresh import Refresh
from exporters.runner.runner import Runner

__all__ = [
    "OWN_FAMILIES",
    "TOLERATED",
    "WHOLE",
    "Area",
    "Cache",
    "ExporterGroup",
    "Health",
    "MountedSource",
    "Refresh",
    "Runner",
    "Shard",
    "Source",
    "SourceContext",
    "open_source",
]

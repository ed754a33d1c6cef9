"""All sources: every module or package in this folder that defines `SOURCE`, in the order of their names."""

import pkgutil
from importlib import import_module

import exporters
from exporters.runner import OWN_FAMILIES, Source
from nervesys.metrics import SourceArea

SHARED = frozenset({"history", "runner", "shared", "sources"})
"""The modules of this folder that are no sources."""


def find_sources() -> tuple[Source, ...]:
    """Import each source; adding one is adding its module, and its row in config/monitoring.yaml."""
    names = sorted(module.name for module in pkgutil.iter_modules(exporters.__path__))
    return tuple(import_module(f"exporters.{name}").SOURCE for name in names if name not in SHARED)


SOURCES = find_sources()
OPTIONAL_AREAS = {
    SourceArea(source.name, area): reason for source in SOURCES for area, reason in source.optional_areas.items()
}
"""Why a healthy fleet may lack these areas."""
FAMILIES = (*OWN_FAMILIES, *(family for source in SOURCES for family in source.families))
"""Everything that any exporter may expose."""

"""All sources: every module or package in this folder that defines `SOURCE`, in the order of their names."""

import pkgutil
from importlib import import_module

import exporters
from exporters.runner import OWN_FAMILIES, Source

SHARED = frozenset({"history", "runner", "shared", "sources"})
"""The modules of this folder that are no sources."""


def find_sources() -> tuple[Source, ...]:
    """Import each source; adding one is adding its module, and its row in config/monitoring.yaml."""
    names = sorted(module.name for module in pkgutil.iter_modules(exporters.__path__))
    return tuple(import_module(f"exporters.{name}").SOURCE for name in names if name not in SHARED)


SOURCES = find_sources()
FAMILIES = (*OWN_FAMILIES, *(family for source in SOURCES for family in source.families))
"""Everything that any exporter may expose."""

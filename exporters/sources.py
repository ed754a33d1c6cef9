"""All sources, in one table."""

from exporters import archive, artifacts, brain, hygiene, store, vitality, workspace
from exporters.runner import OWN_FAMILIES

SOURCES = (
    store.SOURCE,
    archive.SOURCE,
    brain.SOURCE,
    workspace.SOURCE,
    artifacts.SOURCE,
    vitality.SOURCE,
    hygiene.SOURCE,
)
"""Every source; each is the module of its name beside this file."""

FAMILIES = (*OWN_FAMILIES, *(family for source in SOURCES for family in source.families))
"""Everything that any exporter may expose."""

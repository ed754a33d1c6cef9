"""All sources, imported: their families, and the areas that may be absent. Adding a source changes no line here."""

from exporters.modules import import_source, source_names
from exporters.runner import OWN_FAMILIES
from nervesys.metrics import SourceArea

SOURCES = tuple(map(import_source, source_names()))
OPTIONAL_AREAS = {
    SourceArea(source.name, area): reason for source in SOURCES for area, reason in source.optional_areas.items()
}
"""Why a healthy fleet may lack these areas."""
FAMILIES = (*OWN_FAMILIES, *(family for source in SOURCES for family in source.families))
"""Everything that any exporter may expose."""

"""Source `workspace`: events, files and snapshots of this machine's projects, and damage to them.

Reads   what was appended to each project's logs since the last pass, at most 64 MiB a pass; the names of its
        snapshots; a few contents, each pass others, to compare them with their hashes.
Units   bytes, Unix seconds, counts. Events are counted from the first that the history holds.
Errors  SourceError is raised where the folder cannot be read. BadObject costs one project, whose name is none, or the
        newest snapshot of one.
"""

from collections.abc import Sequence

from exporters.runner import Area, Source, SourceContext
from exporters.workspace.area import AREA, WorkspaceArea
from exporters.workspace.project import FAMILIES


def areas(context: SourceContext) -> Sequence[Area]:
    """The one area: the folder that the settings name."""
    path = context.place.home / context.settings.storage.workspace.path
    refresh = WorkspaceArea(path, context.cache).refresh
    return (Area(AREA, FAMILIES, context.settings.monitoring.every_seconds("workspace", AREA), refresh),)


SOURCE = Source(
    name="workspace",
    about="Event histories, versioned files and snapshots of this machine's projects.",
    families=FAMILIES,
    areas=areas,
)

"""Source `archive`: files in cold storage, days of logs that are missing there, and files past their retention.

Reads   one full listing; from then on the changes since, where the archive has a change feed (a folder is listed each
        pass); one question for room.
Units   bytes, Unix seconds, counts. A file's day is the one in its name, in UTC, or else that of its last change.
Errors  ArchiveUnavailable is raised: the runner keeps the last snapshot and drops exporter_up.
        BadObject costs one file, whose name or date breaks the contract: counted by reason, left out of the rest.
"""

from collections.abc import Sequence

from exporters.archive.area import FAMILIES, ArchiveArea
from exporters.archive.catalogue import AREA
from exporters.runner import Area, Source, SourceContext
from nervesys.stores.archive import Archive
from nervesys.stores.open_archive import open_archive


def areas(context: SourceContext) -> Sequence[Area]:
    """The archive that the settings name.

    Raises:
        SettingsError: they name none, or not the key to it.
    """
    return areas_of(open_archive(context.settings.storage.archive), context)


def areas_of(archive: Archive, context: SourceContext) -> Sequence[Area]:
    """The one area of any archive."""
    every = context.settings.monitoring.every_seconds("archive", AREA)
    return (Area(AREA, FAMILIES, every, ArchiveArea(archive, context).refresh),)


SOURCE = Source(
    name="archive",
    about="Logs, reports and backups in cold storage.",
    families=FAMILIES,
    areas=areas,
)

"""Source `artifacts`: the artifacts that agents exchange, from the database of manifests and the files it points to.

Reads   what changed in the database since the last pass; the names of all files, rarely; a few contents, to compare
        them with their checksums; what waits on this machine for the service; LangGraph's databases.
Units   bytes, Unix seconds, counts, seconds of steps.
Errors  SourceError is raised where the database, the files or a database of checkpoints cannot be read. BadObject
        costs one agent's row of what waits.
"""

from collections.abc import Sequence
from functools import partial

from exporters.artifacts import checkpoints, checksums, files, manifests, waiting
from exporters.runner import Area, Source, SourceContext
from nervesys.artifacts.open_artifacts import database_url, open_content_storage
from nervesys.database import ReadOnlyDatabase

NAME = "artifacts"


def areas(context: SourceContext) -> Sequence[Area]:
    """Every area; that of checkpoints reads the databases that the settings name, if any."""
    place, settings = context.place, context.settings
    artifacts, every = settings.storage.artifacts, partial(settings.monitoring.every_seconds, NAME)
    reader, stored = (
        ReadOnlyDatabase(database_url(place, settings), "the manifests"),
        open_content_storage(place.home, settings),
    )
    listed = files.FilesArea(reader, stored, context.clock, artifacts.upload_hours * 3600)
    urls = {name: url.get_secret_value() for name, url in artifacts.checkpoints.items()}
    return (
        Area("manifests", manifests.FAMILIES, every("manifests"), manifests.ManifestsArea(reader).refresh),
        Area("waiting", waiting.FAMILIES, every("waiting"), waiting.WaitingArea(place.home / artifacts.agents).refresh),
        Area("files", files.FAMILIES, every("files"), listed.refresh),
        Area("checksums", checksums.FAMILIES, every("checksums"), checksums.ChecksumsArea(reader, stored).refresh),
        Area("checkpoints", checkpoints.FAMILIES, every("checkpoints"), checkpoints.CheckpointsArea(urls).refresh),
    )


SOURCE = Source(
    name=NAME,
    about="Artifacts and processes of the fleet, the files that they point at, and requests that wait for the service.",
    families=(
        *manifests.FAMILIES,
        *waiting.FAMILIES,
        *files.FAMILIES,
        *checksums.FAMILIES,
        *checkpoints.FAMILIES,
    ),
    areas=areas,
)

"""Area `files`: contents without a manifest, and manifests without their content, by a listing of all files."""

from collections.abc import Iterator

from sqlalchemy import select

from exporters.runner import Refresh
from nervesys.artifacts.files import LOCAL, ContentStorage
from nervesys.artifacts.manifest import ArtifactStatus
from nervesys.artifacts.tables import manifests
from nervesys.clock import Clock
from nervesys.database import ReadOnlyDatabase
from nervesys.metrics import ConditionTerm, Family, Period, Sample, SourceArea

ORIGIN = SourceArea("artifacts", "files")
FILES = Family(
    "artifact_files",
    "gauge",
    "Files in the artifact storage.",
    (),
    Period.SCRAPE,
    conditions=(ConditionTerm(word="artifact files", kind="level", origin=ORIGIN),),
)
ORPHANS = Family(
    "artifact_orphan_files",
    "gauge",
    "Files without a manifest that are older than the upload limit.",
    (),
    Period.SCRAPE,
    conditions=(ConditionTerm(word="artifact orphan files", kind="level", origin=ORIGIN),),
)
ORPHAN_BYTES = Family(
    "artifact_orphan_bytes",
    "gauge",
    "Size of the files without a manifest.",
    (),
    Period.SCRAPE,
    conditions=(ConditionTerm(word="artifact orphan bytes", kind="level", origin=ORIGIN),),
)
MISSING = Family(
    "artifact_missing_files",
    "gauge",
    "Completed artifacts whose content is missing.",
    (),
    Period.SCRAPE,
    conditions=(ConditionTerm(word="missing artifact files", kind="level", origin=ORIGIN),),
)
FAMILIES = (FILES, ORPHANS, ORPHAN_BYTES, MISSING)


class FilesArea:
    """The area.

    Args:
        reader: of the manifests.
        files: the contents.
        clock: dates the pass.
        on_their_way_seconds: for which a file may wait for its manifest.
    """

    def __init__(
        self, reader: ReadOnlyDatabase, files: ContentStorage, clock: Clock, on_their_way_seconds: float
    ) -> None:
        self._reader, self._files, self._clock = reader, files, clock
        self._on_their_way = on_their_way_seconds

    def refresh(self, out: Refresh) -> None:
        """One pass. Manifests are read before and after the listing, so that what changes meanwhile does not count.

        Raises:
            SourceError: the manifests or the files cannot be read.
        """
        # Read before the listing: a content that is deleted meanwhile is not missing.
        completed = self._uris(ArtifactStatus.COMPLETED)
        listed = list(self._files.all())
        known = self._uris(ArtifactStatus.COMPLETED, ArtifactStatus.UPLOADING)
        before = self._clock() - self._on_their_way
        orphans = [file.size for file in listed if file.uri not in known and file.modified < before]
        missing = [uri for uri in (completed & known) - {file.uri for file in listed} if self._is_missing(uri)]
        values = (len(listed), len(orphans), sum(orphans), len(missing))
        out.put("files", values, _samples(values))

    def _is_missing(self, uri: str) -> bool:
        """Whether a content that is not listed is gone; earlier values of `artifacts.files` have other roots."""
        if uri.startswith(f"{self._files.root}/"):
            return True
        return uri.startswith(LOCAL) and self._files.size(uri) is None  # another bucket would cost a request for each

    def _uris(self, *statuses: ArtifactStatus) -> set[str]:
        with self._reader.transaction() as connection:
            query = select(manifests.c.uri).where(manifests.c.status.in_(statuses))
            return set(connection.execute(query).scalars())


def _samples(values: tuple[int, int, int, int]) -> Iterator[Sample]:
    for family, value in zip(FAMILIES, values, strict=True):
        yield family.sample(value)

"""Area `checksums`: compares file contents with the checksums of their manifests, a few in each pass, in turn."""

import logging

from sqlalchemy import select

from exporters.runner import Refresh
from nervesys.artifacts.files import ContentStorage
from nervesys.artifacts.manifest import ArtifactStatus
from nervesys.artifacts.tables import manifests
from nervesys.database import ReadOnlyDatabase
from nervesys.metrics import ConditionTerm, Family, Period, Sample, SourceArea

ORIGIN = SourceArea("artifacts", "checksums")
COMPARED = Family(
    "artifact_checksum_comparisons_total",
    "counter",
    "Comparisons of a content with its checksum.",
    (),
    Period.SCRAPE,
    conditions=(ConditionTerm(word="checksum comparisons", kind="increase", origin=ORIGIN),),
)
MISMATCHED = Family(
    "artifact_checksum_mismatches",
    "gauge",
    "Contents that do not match their checksum, of those compared so far.",
    (),
    Period.SCRAPE,
    conditions=(ConditionTerm(word="checksum mismatches", kind="level", origin=ORIGIN),),
)
FAMILIES = (COMPARED, MISMATCHED)
AT_ONCE = 50
BUDGET_BYTES = 64 << 20
"""Of contents in one pass; a single larger one is compared by itself."""

log = logging.getLogger(__name__)


class ChecksumsArea:
    """The area.

    Args:
        reader: of the manifests.
        files: the contents.
    """

    def __init__(self, reader: ReadOnlyDatabase, files: ContentStorage) -> None:
        self._reader, self._files = reader, files
        self._after, self._compared = "", 0
        self._mismatched: set[str] = set()

    def refresh(self, out: Refresh) -> None:
        """One pass: compare the next contents; after the last one, begin with the first again.

        Raises:
            SourceError: the manifests or the files cannot be read.
        """
        columns = manifests.c
        with self._reader.transaction() as connection:
            query = select(columns.id, columns.uri, columns.checksum, columns.size_bytes).where(
                columns.status == ArtifactStatus.COMPLETED
            )
            rows = connection.execute(query.where(columns.id > self._after).order_by(columns.id).limit(AT_ONCE)).all()
            still_completed = select(columns.id).where(
                columns.id.in_(self._mismatched), columns.status == ArtifactStatus.COMPLETED
            )
            self._mismatched &= set(connection.execute(still_completed).scalars())
        budget = BUDGET_BYTES
        for row in rows:
            if budget < row.size_bytes and budget < BUDGET_BYTES:
                break
            budget -= row.size_bytes
            self._compare(row.id, row.uri, row.checksum)
            self._after = row.id
        if len(rows) < AT_ONCE and (not rows or self._after == rows[-1].id):
            self._after = ""  # that was the last
        out.put("checksums", (self._compared, len(self._mismatched)), self._samples())

    def _compare(self, id_: str, uri: str, checksum: str) -> None:
        if self._files.size(uri) is None:
            return  # counted as missing by area `files`
        self._compared += 1
        if self._files.checksum(uri) == checksum:
            self._mismatched.discard(id_)
        elif id_ not in self._mismatched:
            log.warning("%s: its content is not what was put there", uri)
            self._mismatched.add(id_)

    def _samples(self) -> list[Sample]:
        return [COMPARED.sample(self._compared), MISMATCHED.sample(len(self._mismatched))]

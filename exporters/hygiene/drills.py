"""Area `drills`: whether a restore was tried, worked, and how long it took, as `nervesys drill restore` recorded it.

Reads   one fetch of the brain a pass, and one file of its state branch.
Units   Unix seconds, seconds, counts, bytes.
Errors  BrainUnavailable is raised: what the mirror holds is shown all the same. BadObject: a record that is broken.
"""

from collections.abc import Iterator

from exporters.hygiene.branches import Branches
from exporters.runner import Refresh
from nervesys.contract import RestoreDrill
from nervesys.contract.brain import REPORT_BYTES, RESTORE_DRILL
from nervesys.contract.times import DAY_SECONDS
from nervesys.errors import BadObject
from nervesys.metrics import ConditionTerm, Family, Period, Sample, SourceArea

NOT_DRILLED = "no restore has been tried yet"
ORIGIN = SourceArea("hygiene", "drills")
LAST = Family(
    "restore_drill_timestamp_seconds",
    "gauge",
    "End time of the last restore drill.",
    (),
    Period.DAILY,
    conditions=(
        ConditionTerm(
            word="restore drill",
            kind="absence",
            origin=ORIGIN,
            threshold=lambda t: t.drill_late_days * DAY_SECONDS,
            must_exist=True,
        ),
    ),
    optional={"": NOT_DRILLED},
)
SUCCEEDED = Family(
    "restore_drill_success",
    "gauge",
    "1 if the last restore drill restored everything, else 0.",
    (),
    Period.DAILY,
    optional={"": NOT_DRILLED},
)
DURATION = Family(
    "restore_drill_duration_seconds",
    "gauge",
    "Duration of the last restore drill.",
    (),
    Period.DAILY,
    conditions=(
        ConditionTerm(
            word="restore drill duration", kind="level", origin=ORIGIN, threshold=lambda t: t.drill_slow_minutes * 60
        ),
    ),
    optional={"": NOT_DRILLED},
)
FILES = Family(
    "restore_drill_files",
    "gauge",
    "Files restored by the last restore drill.",
    (),
    Period.DAILY,
    conditions=(ConditionTerm(word="restored files", kind="level", origin=ORIGIN),),
)
BYTES = Family(
    "restore_drill_bytes",
    "gauge",
    "Size of the files restored by the last restore drill.",
    (),
    Period.DAILY,
    conditions=(ConditionTerm(word="restored bytes", kind="level", origin=ORIGIN),),
)
BACKUP = Family(
    "restore_drill_backup_timestamp_seconds",
    "gauge",
    "Creation time of the backup that the last restore drill restored.",
    (),
    Period.DAILY,
)

FAMILIES = (LAST, SUCCEEDED, DURATION, FILES, BYTES, BACKUP)


def drill_samples(drill: RestoreDrill) -> Iterator[Sample]:
    """The samples of a record."""
    yield LAST.sample(drill.timestamp)
    yield SUCCEEDED.sample(drill.succeeded)
    yield DURATION.sample(drill.duration_seconds)
    yield FILES.sample(drill.files)
    yield BYTES.sample(drill.bytes)
    if drill.backup_timestamp is not None:
        yield BACKUP.sample(drill.backup_timestamp)


class DrillsArea:
    """Reads the newest record.

    Args:
        branches: of the brain.
    """

    def __init__(self, branches: Branches) -> None:
        self._branches = branches

    def refresh(self, out: Refresh) -> None:
        """One pass.

        Raises:
            BrainUnavailable: the brain cannot be fetched.
        """
        out.serve_on_failure = True
        with self._branches.after_fetch():
            body: bytes | None = None
            try:
                body = self._branches.reports().read(RESTORE_DRILL, max_bytes=REPORT_BYTES)
                drill = RestoreDrill.parse(body) if body is not None else None
            except BadObject as bad:
                out.reject(RESTORE_DRILL, body, bad)
            else:
                out.put(RESTORE_DRILL, body, drill_samples(drill) if drill else ())

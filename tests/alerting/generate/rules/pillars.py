"""When logs, backups and retention break their promise."""

from collections.abc import Callable

from exporters.archive.area import ORIGIN as ARCHIVE
from exporters.store.sizes import ORIGIN as SIZES
from tests.alerting.generate.rules.kit import (
    HOUR,
    MINUTE,
    Case,
    Fires,
    exporter,
    now,
    of,
    of_store,
    steady,
    step,
    until,
    watched,
)

DAY = 26 * HOUR
CONFIG_BACKUP = of_store("store_newest_object_timestamp_seconds", area="config_backups")
MISSING_DAYS = of("archive", "nervesys_archive_missing_log_days", server="web-1")
OVERDUE_OBJECTS = of_store("store_overdue_objects", area="active_logs")
OVERDUE_FILES = of("archive", "nervesys_archive_overdue_files", area="logs")
FULL_BACKUP = of("archive", "nervesys_archive_newest_file_timestamp_seconds", area="backups")


def overdue(what: str) -> Callable[[float, str], Fires]:
    return lambda at, age: Fires(at, f"The newest {what} is at least {age} old", "warning")


config_overdue, full_overdue = overdue("backup of the configuration"), overdue("full backup")

CASES = (
    Case(
        "ConfigBackupOverdue",
        "none since the first hour",
        watched(SIZES) | {CONFIG_BACKUP: until(HOUR)},
        silent=(HOUR, 27 * HOUR),
        fires=(config_overdue(27 * HOUR + MINUTE, "1d 2h 1m 0s"),),
        mended={CONFIG_BACKUP: now},
    ),
    Case(
        "ConfigBackupOverdue",
        "none at all, as long as anyone looked",
        watched(SIZES),
        silent=(HOUR, 20 * HOUR),
        fires=(config_overdue(DAY, "1d 2h 0m 0s"),),
    ),
    Case(
        "ConfigBackupOverdue",
        "nobody looked",
        watched(SIZES) | exporter(SIZES, success=until(HOUR)),
        silent=(2 * HOUR, DAY + 2 * HOUR),
    ),
    Case(
        "FullBackupOverdue",
        "none since the first hour",
        watched(ARCHIVE) | {FULL_BACKUP: until(HOUR)},
        silent=(HOUR, 27 * HOUR),
        fires=(full_overdue(27 * HOUR + MINUTE, "1d 2h 1m 0s"),),
        mended={FULL_BACKUP: now},
    ),
    Case(
        "ArchiveDayMissing",
        "two days, and a daily round has passed",
        watched(ARCHIVE) | {MISSING_DAYS: step(HOUR, 0, 2)},
        silent=(HOUR, HOUR + DAY - MINUTE),
        fires=(
            Fires(HOUR + DAY, "2 days of web-1's logs are missing from the archive", "warning", {"server": "web-1"}),
        ),
        mended={MISSING_DAYS: steady(0)},
    ),
    Case(
        "ArchiveDayMissing",
        "the daily round has mended it",
        watched(ARCHIVE) | {MISSING_DAYS: step(20 * HOUR, 2, 0)},
        silent=(DAY,),
    ),
    Case(
        "StoreRetentionOverdue",
        "a daily round has passed and deleted nothing",
        watched(SIZES) | {OVERDUE_OBJECTS: step(HOUR, 0, 40)},
        silent=(HOUR + DAY - MINUTE,),
        fires=(
            Fires(HOUR + DAY, "40 objects of active_logs should have been deleted", "info", {"area": "active_logs"}),
        ),
        mended={OVERDUE_OBJECTS: steady(0)},
    ),
    Case(
        "ArchiveRetentionOverdue",
        "a daily round has passed and deleted nothing",
        watched(ARCHIVE) | {OVERDUE_FILES: step(HOUR, 0, 4)},
        silent=(HOUR + DAY - MINUTE,),
        fires=(Fires(HOUR + DAY, "4 files of logs in the archive should have been deleted", "info", {"area": "logs"}),),
        mended={OVERDUE_FILES: steady(0)},
    ),
)

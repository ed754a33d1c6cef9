"""When logs, backups and retention break their promise."""

from collections.abc import Callable

from alerting.gates import ARCHIVE, SIZES
from tests.alerting.rules.kit import HOUR, Case, Fires, exporter, of, of_store, steady, step, until, watched

DAY = 26 * HOUR
CONFIG_BACKUP = of_store("store_newest_object_timestamp_seconds", area="config_backups")
FULL_BACKUP = of("archive", "nervesys_archive_newest_file_timestamp_seconds", area="backups")


def overdue(what: str) -> Callable[[float, str], Fires]:
    return lambda at, age: Fires(at, f"The newest {what} is at least {age} old", "warning")


config_overdue, full_overdue = overdue("backup of the configuration"), overdue("full backup")

CASES = (
    Case(
        "ConfigBackupOverdue",
        "none since the first hour",
        watched(SIZES) | {CONFIG_BACKUP: until(HOUR)},
        silent=(HOUR, 26.75 * HOUR),
        fires=(config_overdue(27.25 * HOUR, "1d 2h 15m 0s"),),
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
        silent=(HOUR, 26.75 * HOUR),
        fires=(full_overdue(27.25 * HOUR, "1d 2h 15m 0s"),),
    ),
    Case(
        "ArchiveDayMissing",
        "two days, and a daily round has passed",
        watched(ARCHIVE) | {of("archive", "nervesys_archive_missing_log_days", server="web-1"): steady(2)},
        silent=(HOUR, 20 * HOUR),
        fires=(Fires(DAY, "2 days of web-1's logs are missing from the archive", "warning", {"server": "web-1"}),),
    ),
    Case(
        "ArchiveDayMissing",
        "the daily round has mended it",
        watched(ARCHIVE) | {of("archive", "nervesys_archive_missing_log_days", server="web-1"): step(20 * HOUR, 2, 0)},
        silent=(DAY,),
    ),
    Case(
        "StoreRetentionOverdue",
        "a daily round has passed and deleted nothing",
        watched(SIZES) | {of_store("store_overdue_objects", area="active_logs"): steady(40)},
        silent=(HOUR,),
        fires=(Fires(DAY, "40 objects of active_logs should have been deleted", "info", {"area": "active_logs"}),),
    ),
    Case(
        "ArchiveRetentionOverdue",
        "a daily round has passed and deleted nothing",
        watched(ARCHIVE) | {of("archive", "nervesys_archive_overdue_files", area="logs"): steady(4)},
        silent=(HOUR,),
        fires=(Fires(DAY, "4 files of logs in the archive should have been deleted", "info", {"area": "logs"}),),
    ),
)

"""The layout of the archive: area and retention of each path. Overdue files are those that the daily round deletes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from nervesys.contract import Category, PathTemplate, server_name
from nervesys.contract.paths import parse_date
from nervesys.contract.times import utc
from nervesys.errors import BadObject, Reason
from nervesys.settings.reports import ReportFormat
from nervesys.settings.storage import Days, Retention, Storage
from nervesys.stores.archive import ArchiveFile

OTHER = "other"
REPORTS = ("reports_daily", "reports_weekly", "reports_monthly")
"""Areas with files in several formats, side by side."""


@dataclass(frozen=True, slots=True)
class ArchivePath:
    """What a path in the archive means.

    Attributes:
        area: a field of `storage.archive.paths`, or `other`.
        server: server of the logs; None for other files.
        day: the day in its name.
        keep_days: retention; None for ever.
        category: category of the logs; None if it holds all categories, or no logs.
    """

    area: str
    server: str | None = None
    day: date | None = None
    keep_days: int | None = None
    category: str | None = None


class ArchiveLayout:
    """Finds the area of a path.

    Args:
        storage: path templates and retention.
    """

    def __init__(self, storage: Storage) -> None:
        self._retention = storage.retention
        paths = dict(storage.archive.paths)
        self.areas = (*paths, OTHER)
        self._templates = [(area, PathTemplate(text)) for area, text in paths.items()]
        # One file a day and server, of all categories, is what the first archives held.
        self._templates.append(("logs", PathTemplate(paths["logs"].replace("_{category}", ""))))
        # Weekly reports in one folder for all years are what older archives hold.
        weekly = paths["reports_weekly"].replace("{iso_year}/", "")
        self._templates += [("reports_weekly", PathTemplate(report_path(weekly, form))) for form in ReportFormat]
        for area in REPORTS:
            self._templates += [(area, PathTemplate(report_path(paths[area], form))) for form in ReportFormat]

    def classify(self, path: str) -> ArchivePath:
        """The meaning of a path.

        Raises:
            BadObject: it is in an area's folder without matching its template, or has an invalid day or server.
        """
        for area, template in self._templates:
            fields = template.parse(path)
            if fields is not None:
                return self._of(area, fields)
        for area, template in self._templates:
            if path.startswith(template.prefix()):
                if template.text.endswith("/"):
                    return ArchivePath(area, keep_days=keep_days(self._retention, area))
                raise BadObject(Reason.BAD_KEY, f"not of {template.text}")
        return ArchivePath(OTHER)

    def _of(self, area: str, fields: Mapping[str, str]) -> ArchivePath:
        day = parse_date(fields["date"]) if "date" in fields else None
        if "date" in fields and day is None:
            raise BadObject(Reason.BAD_VALUE, f"no such day: {fields['date']}")
        server = server_name(fields["server"]) if "server" in fields else None
        category = fields.get("category")
        return ArchivePath(area, server, day, keep_days(self._retention, area, category), category)


def report_path(path: str, form: ReportFormat) -> str:
    """The path, or template, of a report in one format; the settings have that of the PDF."""
    return f"{path.removesuffix(f'.{ReportFormat.PDF}')}.{form}"


def keep_days(retention: Retention, area: str, category: str | None = None) -> Days:
    """Retention of a file; one with logs of all categories is kept as long as the longest of them."""
    if area in ("logs", "damaged_logs"):
        table = retention.logs
        kept = [table.get(Category(category))] if category else list(table.values())
        return None if None in kept else max(filter(None, kept), default=None)
    others = {
        "traces": retention.traces,
        "backups": retention.backups,
        "backup_manifests": retention.backups,
        "backup_packs": None,  # deleted once no manifest needs them
        "documents": retention.documents,
    }
    return others.get(area, retention.reports)


def is_overdue(file: ArchiveFile, filed: ArchivePath, today: date) -> bool:
    """Whether a file is past its retention."""
    day = filed.day or utc(file.modified).date()
    return filed.keep_days is not None and (today - day).days > filed.keep_days

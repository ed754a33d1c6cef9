"""Writes reports to the archive (verified) or to a folder, and finds those that are due."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from io import BytesIO
from pathlib import Path

from nervesys.settings.reports import ReportFormat
from nervesys.settings.storage import ArchivePaths
from nervesys.stores.archive import Archive, put_verified
from reports.periodic.gather import PANEL_WIDTH
from reports.periodic.html import html
from reports.periodic.model import PeriodicReport
from reports.periodic.pdf import pdf
from reports.periodic.period import Frequency, ReportPeriod
from reports.periodic.xlsx import xlsx

Files = Mapping[ReportFormat, bytes]
WRITERS = {
    ReportFormat.PDF: lambda report: pdf(report, PANEL_WIDTH),
    ReportFormat.HTML: lambda report: html(report, PANEL_WIDTH),
    ReportFormat.XLSX: xlsx,
}


def render(report: PeriodicReport, forms: Collection[ReportFormat]) -> Files:
    """Render a report in the wanted formats."""
    return {form: WRITERS[form](report) for form in forms}


def write_to_archive(archive: Archive, paths: ArchivePaths, period: ReportPeriod, files: Files) -> Iterator[str]:
    """Write a report to the archive, replacing an earlier one, and verify it by reading it back.

    Yields:
        The path of each file after it was written.

    Raises:
        ArchiveUnavailable: the archive does not respond, or the file arrived damaged.
    """
    for form, body in files.items():
        path = period.path(paths, form)
        put_verified(archive, path, BytesIO(body))
        yield path


def write_to_folder(folder: Path, period: ReportPeriod, files: Files) -> Iterator[Path]:
    """Write a report to a folder, replacing an earlier one; yields each file."""
    folder.mkdir(parents=True, exist_ok=True)
    for form, body in files.items():
        file = folder / f"{period.name}.{form}"
        file.write_bytes(body)
        yield file


def due_periods(
    paths: ArchivePaths, forms: Collection[ReportFormat], there: Collection[str], today: date
) -> list[ReportPeriod]:
    """The last finished day, week and month whose report is missing from the archive in any format.

    So the weekly report is written on Monday and the monthly one on the 1st; what failed is retried the next day.

    Args:
        paths: path templates of the archive.
        forms: formats of reports in the archive.
        there: all paths in the archive.
        today: in UTC.
    """
    newest = (ReportPeriod.last_finished(every, today) for every in Frequency)
    return [period for period in newest if any(period.path(paths, form) not in there for form in forms)]

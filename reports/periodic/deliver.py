"""Where finished reports go: into the archive, verified, or into a folder; and which of them the archive lacks."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from io import BytesIO
from pathlib import Path

from nervesys.settings.reports import Form
from nervesys.settings.storage import ArchivePaths
from nervesys.stores.archive import Archive, put_verified
from reports.periodic.gather import PANEL_WIDTH
from reports.periodic.html import html
from reports.periodic.model import Report
from reports.periodic.paper import pdf
from reports.periodic.period import Every, Period
from reports.periodic.xlsx import xlsx

Files = Mapping[Form, bytes]
WRITERS = {
    Form.PDF: lambda report: pdf(report, PANEL_WIDTH),
    Form.HTML: lambda report: html(report, PANEL_WIDTH),
    Form.XLSX: xlsx,
}


def written(report: Report, forms: Collection[Form]) -> Files:
    """A report in each form that is wanted."""
    return {form: WRITERS[form](report) for form in forms}


def to_archive(archive: Archive, paths: ArchivePaths, period: Period, files: Files) -> Iterator[str]:
    """Put a report under the contract's names, in place of an earlier one; read back and compared.

    Yields:
        The path of each file, once it lies there.

    Raises:
        ArchiveUnavailable: the archive does not answer, or not what was sent arrived.
    """
    for form, body in files.items():
        path = period.path(paths, form)
        put_verified(archive, path, BytesIO(body))
        yield path


def to_folder(folder: Path, period: Period, files: Files) -> Iterator[Path]:
    """Write a report into a folder, in place of an earlier one; yields each file."""
    folder.mkdir(parents=True, exist_ok=True)
    for form, body in files.items():
        file = folder / f"{period.name}.{form}"
        file.write_bytes(body)
        yield file


def due(paths: ArchivePaths, forms: Collection[Form], there: Collection[str], today: date) -> list[Period]:
    """The newest finished day, week and month, each where the archive lacks its report in any form.

    So the weekly is made on Monday, the monthly on the 1st, and what failed then on the next day.

    Args:
        paths: templates of the archive.
        forms: that reports are put there in.
        there: every path of the archive.
        today: in UTC.
    """
    newest = (Period.last(every, today) for every in Every)
    return [one for one in newest if any(one.path(paths, form) not in there for form in forms)]

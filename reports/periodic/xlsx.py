"""Renders a report as an Excel workbook: one sheet per section, with numbers as numbers."""

import math
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from nervesys.contract.times import DAY_SECONDS, utc
from nervesys.look.colours import Theme, shade
from reports.periodic.model import Column, PeriodicReport, ReportSection, Value, ValueKind
from reports.periodic.report_json import COLOURS, is_rtl
from reports.units import text_of

FORMATS = {
    ValueKind.COUNT: "#,##0",
    ValueKind.SHARE: "0.00%",
    ValueKind.SECONDS: "[h]:mm:ss",
    ValueKind.BYTES: "#,##0",
    ValueKind.INSTANT: "yyyy-mm-dd hh:mm:ss",
}
"""Number formats. Bytes are exact, durations are fractions of a day, so that Excel can calculate with them."""
TITLES = {ValueKind.BYTES: "bytes", ValueKind.SECONDS: "h:mm:ss", ValueKind.INSTANT: "UTC"}
WIDEST, WIDE = 80, 50
"""Widest column, and widest wrapped column, in letters."""
EPOCH = datetime(1899, 12, 30, tzinfo=UTC).timestamp()
"""Day 0 of a workbook, in Unix seconds (Excel takes 1900 for a leap year, so it is no day earlier)."""


def xlsx(report: PeriodicReport) -> bytes:
    """The file.

    Args:
        report: the report.
    """
    body = BytesIO()
    # Texts from logs must never become formulas or links.
    harmless = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with Workbook(body, harmless) as book:
        book.set_properties({"title": f"{report.title}, {report.period}", "created": utc(report.made)})
        _Sheets(book, report).write()
    return body.getvalue()


class _Sheets:
    """Writes the sheets of one book."""

    def __init__(self, book: Workbook, report: PeriodicReport) -> None:
        self._book, self._report = book, report
        self._made: dict[str, Any] = {}

    def write(self) -> None:
        self._summary()
        for section in self._report.sections:
            self._section(section)

    def _summary(self) -> None:
        report, sheet = self._report, self._book.add_worksheet("Summary")
        lines = [report.title, report.period, f"Created {utc(report.made):%Y-%m-%d %H:%M} UTC", *report.notes]
        head = len(lines) + 1
        for place, line in enumerate(lines):
            _write_text(sheet, (place, 0), line, self._format(bold=place == 0))
        for place, answer in enumerate(report.answers, head):
            _write_text(sheet, (place, 0), answer.question, self._format(bold=True))
            _write_text(sheet, (place, 1), answer.text, self._format(COLOURS[answer.tone]))
        head += len(report.answers) + 1
        for place, title in enumerate(("Figure", f"This {report.noun}", f"{report.noun.capitalize()} before")):
            _write_text(sheet, (head, place), title, self._format(bold=True))
        for place, figure in enumerate(report.figures, head + 1):
            _write_text(sheet, (place, 0), figure.title, self._format())
            self._value(sheet, (place, 1), figure.value, figure.kind)
            self._value(sheet, (place, 2), figure.before, figure.kind)
        sheet.set_column(0, 0, 30)
        sheet.set_column(1, 2, 24)

    def _section(self, section: ReportSection) -> None:
        sheet = self._book.add_worksheet(section.title)
        table = section.table
        if table is None or not table.rows:
            for place, text in enumerate((*section.text, section.nothing or section.how)):
                _write_text(sheet, (place, 0), text, self._format(rtl=is_rtl(text)))
            sheet.set_column(0, 0, WIDEST)
            return
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(table.columns):
            _write_text(sheet, (0, place), _title(column, self._report.currency), self._format(bold=True))
            texts = [str(row.values[place]) for row in table.rows if isinstance(row.values[place], str)]
            widest = max(map(len, (column.title + " (bytes)", *texts)))
            sheet.set_column(place, place, min(widest + 2, WIDE if column.wide else WIDEST))
        for line, row in enumerate(table.rows, 1):
            for place, (value, column) in enumerate(zip(row.values, table.columns, strict=True)):
                self._value(sheet, (line, place), value, column.kind, COLOURS[row.tone] if place == 0 else "")
        sheet.autofilter(0, 0, len(table.rows), len(table.columns) - 1)

    def _value(self, sheet: Worksheet, at: tuple[int, int], value: Value, kind: ValueKind, colour: str = "") -> None:
        if isinstance(value, str):
            _write_text(sheet, at, value, self._format(colour, rtl=is_rtl(value)))
        elif value is not None and not math.isfinite(value):  # a workbook has no such numbers
            sheet.write_string(*at, text_of(value, "none", 0, trimmed=True), self._format(colour))
        elif value is not None:
            sheet.write_number(*at, _number(value, kind), self._format(colour, kind))

    def _format(
        self, colour: str = "", kind: ValueKind = ValueKind.TEXT, *, bold: bool = False, rtl: bool = False
    ) -> Any:
        properties: dict[str, Any] = {"valign": "top"}
        if bold:
            properties |= {"bold": True, "bottom": 1}
        if colour:
            properties["font_color"] = shade(colour, Theme.LIGHT)
        if rtl:
            properties["reading_order"] = 2
        if kind is ValueKind.MONEY:
            properties["num_format"] = f'"{self._report.currency}" #,##0.00'
        elif kind in FORMATS:
            properties["num_format"] = FORMATS[kind]
        key = repr(sorted(properties.items()))
        if key not in self._made:
            self._made[key] = self._book.add_format(properties)
        return self._made[key]


def _write_text(sheet: Worksheet, at: tuple[int, int], text: str, cell_format: Any) -> None:
    """Write a text of any content.

    XlsxWriter takes a string from `<r>` to `</r>` for XML of its own and would write it unescaped. In runs, of which it
    wants three, it is text.
    """
    if text.startswith("<r>") and text.endswith("</r>"):
        sheet.write_rich_string(*at, text[0], text[1], text[2:], cell_format)
    else:
        sheet.write_string(*at, text, cell_format)


def _title(column: Column, currency: str) -> str:
    unit = currency if column.kind is ValueKind.MONEY else TITLES.get(column.kind, "")
    return f"{column.title} ({unit})" if unit else column.title


def _number(value: float, kind: ValueKind) -> float:
    """Convert to Excel's units: durations in days, instants in days since 1900."""
    match kind:
        case ValueKind.SECONDS:
            return value / DAY_SECONDS
        case ValueKind.INSTANT:
            return (value - EPOCH) / DAY_SECONDS
        case _:
            return value

"""A report as HTML, XLSX and PDF: opened as people open them, numbers as numbers, nothing cut off, nothing executed.

Covers: reports.periodic.html, reports.periodic.panels, reports.periodic.pdf, reports.periodic.report_json,
reports.periodic.xlsx.
"""

import math
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest
from playwright.sync_api import Page

from nervesys.look.colours import Theme
from reports.model import Lane, StateSpan, Timeline
from reports.periodic.compose import report_of
from reports.periodic.gather import PANEL_WIDTH
from reports.periodic.html import html
from reports.periodic.model import Column, PeriodicReport, ReportRow, ReportSection, ReportTable, ValueKind
from reports.periodic.panels import LANES, limit_timelines
from reports.periodic.pdf import ROWS, pdf, pictures
from reports.periodic.period import Frequency, ReportPeriod
from reports.periodic.xlsx import xlsx
from reports.units import MISSING
from tests.reports.periodic.conftest import ANALYSIS, World
from tests.reports.periodic.fleet_data import HEBREW, TUESDAY

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
NASTY = (
    '=HYPERLINK("http://evil.example")',
    "<script>alert(1)</script>",
    "<r><t>raw</t><broken></r>",
    "@SUM(A1)",
    "x" * 400,
    "a/" * 200,
)


@pytest.fixture(scope="module")
def report(world: World, executor: ThreadPoolExecutor) -> PeriodicReport:
    return report_of(world.sources(executor).facts(ReportPeriod.containing(Frequency.DAILY, TUESDAY), lambda _: None))


@pytest.fixture(scope="module")
def nasty(report: PeriodicReport) -> PeriodicReport:
    """A report of what strangers wrote into logs, and of more than a sheet holds."""
    table = ReportTable(
        (Column("Error", wide=True), Column("Count", ValueKind.COUNT)), tuple(ReportRow((it, 1.0)) for it in NASTY)
    )
    many = ReportTable(
        (Column("Agent"), Column("Available", ValueKind.SHARE)),
        tuple(ReportRow((f"a-{n}", 0.5)) for n in range(ROWS + 7)),
    )
    return replace(
        report, sections=(ReportSection("Errors", "", table), ReportSection("Availability", "", many)), notes=NASTY
    )


class Book:
    """A workbook, read by its XML."""

    def __init__(self, body: bytes) -> None:
        self._zip = ZipFile(BytesIO(body))
        strings = ElementTree.fromstring(self._zip.read("xl/sharedStrings.xml"))
        self.strings = ["".join(text.text or "" for text in string.iter(f"{SHEET}t")) for string in strings]
        book = ElementTree.fromstring(self._zip.read("xl/workbook.xml"))
        self.titles = [sheet.attrib["name"] for sheet in book.iter(f"{SHEET}sheet")]
        styles = ElementTree.fromstring(self._zip.read("xl/styles.xml"))
        codes = {
            number_format.attrib["numFmtId"]: number_format.attrib["formatCode"]
            for number_format in styles.iter(f"{SHEET}numFmt")
        }
        self._formats = [codes.get(style.attrib["numFmtId"], "") for style in styles.find(f"{SHEET}cellXfs") or ()]
        self.names = self._zip.namelist()

    def sheet(self, title: str) -> ElementTree.Element:
        return ElementTree.fromstring(self._zip.read(f"xl/worksheets/sheet{self.titles.index(title) + 1}.xml"))

    def rows(self, title: str) -> list[list[tuple[str | float, str]]]:
        """(value, number format) of each cell."""
        return [[self._cell(cell) for cell in row] for row in self.sheet(title).iter(f"{SHEET}row")]

    def _cell(self, cell: ElementTree.Element) -> tuple[str | float, str]:
        text = cell.findtext(f"{SHEET}v") or ""
        value = self.strings[int(text)] if cell.attrib.get("t") == "s" else float(text) if text else ""
        return value, self._formats[int(cell.attrib.get("s", 0))]


def test_a_workbook_has_a_sheet_a_section_with_numbers_in_formats_of_their_own(report: PeriodicReport) -> None:
    book = Book(xlsx(report))
    assert book.titles == ["Summary", *(section.title for section in report.sections)]
    formats: set[str] = set()
    for section in report.sections:
        if not section.table or not section.table.rows:
            continue
        pane = book.sheet(section.title).find(f".//{SHEET}pane")
        assert pane is not None
        assert (pane.attrib["ySplit"], pane.attrib["state"]) == ("1", "frozen")
        for row, cells in zip(section.table.rows, book.rows(section.title)[1:], strict=True):
            values = [value for value in row.values if value is not None]
            kinds = [
                column.kind
                for value, column in zip(row.values, section.table.columns, strict=True)
                if value is not None
            ]
            for value, kind, (render, code) in zip(values, kinds, cells, strict=True):
                assert render == (value if isinstance(value, str) else pytest.approx(_in_book(value, kind)))
                assert isinstance(value, str) == (code == ""), (section.title, value)
                formats.add(code)
    assert formats == {"", "0.00%", "#,##0", "[h]:mm:ss", "yyyy-mm-dd hh:mm:ss", '"USD" #,##0.00'}


def _in_book(value: float, kind: ValueKind) -> float:
    days = value / 86_400
    return {ValueKind.SECONDS: days, ValueKind.INSTANT: days + 25_569}.get(kind, value)


def test_no_text_of_a_log_becomes_a_formula_or_a_link(nasty: PeriodicReport) -> None:
    book = Book(xlsx(nasty))
    assert [row[0][0] for row in book.rows("Errors")[1:]] == list(NASTY)
    assert not list(book.sheet("Errors").iter(f"{SHEET}f"))
    assert not [name for name in book.names if "_rels/sheet" in name]


def test_a_number_that_a_workbook_cannot_hold_is_text(report: PeriodicReport) -> None:
    table = ReportTable(
        (Column("Cost", ValueKind.MONEY),), (ReportRow((math.nan,)), ReportRow((math.inf,)), ReportRow((1.5,)))
    )
    book = Book(xlsx(replace(report, sections=(ReportSection("Tokens", "", table),))))
    assert [row[0][0] for row in book.rows("Tokens")[1:]] == [MISSING, "+Inf", 1.5]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_is_read_without_a_network_and_nothing_sticks_out(
    report: PeriodicReport, page: Page, tmp_path: Path, scheme: str
) -> None:
    (tmp_path / "report.html").write_bytes(html(report, PANEL_WIDTH))
    page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
    page.context.set_offline(True)
    for width in (1280, 420):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"file://{tmp_path}/report.html")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.inner_text("h1") == "Daily report"
    assert "grok for 26 min" in page.inner_text(".answer >> nth=0")
    assert "79.62 %" in page.inner_text(".figures")
    hebrew = page.locator("td", has_text=HEBREW).first
    assert hebrew.evaluate("it => getComputedStyle(it).direction") == "rtl"
    assert page.locator("p", has_text=ANALYSIS).evaluate("it => getComputedStyle(it).direction") == "rtl"
    heights = page.locator(".plot canvas").evaluate_all("all => all.map(canvas => canvas.clientHeight)")
    assert len(heights) >= 4
    assert min(heights) > 100
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert colour == {"light": "rgb(244, 245, 245)", "dark": "rgb(17, 18, 23)"}[scheme]


def test_what_strangers_wrote_is_text_on_a_page(nasty: PeriodicReport, page: Page, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_bytes(html(nasty, PANEL_WIDTH))
    page.on("dialog", lambda _: pytest.fail("a script ran"))
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"file://{tmp_path}/report.html")
    assert [cell.strip() for cell in page.locator("td.wide").all_inner_texts()] == list(NASTY)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_a_large_fleet_s_timeline_is_cut_to_a_sheet_and_says_so(report: PeriodicReport) -> None:
    assert report.panels
    calm = [Lane(f"agent-{n:03}", "", (StateSpan(0, 60, "running", "green"),)) for n in range(100)]
    restless = Lane("restless", "", (StateSpan(0, 30, "running", "green"), StateSpan(30, 60, "silent", "red")))
    panel = replace(report.panels.panels[0], body=Timeline((*calm, restless)))
    page = limit_timelines(replace(report.panels, panels=(panel,)))
    (panel,) = page.panels
    assert isinstance(panel.body, Timeline)
    assert (len(panel.body.lanes), restless in panel.body.lanes) == (LANES, True)
    assert panel.title.endswith(f"({LANES} of 101)")
    assert len(pictures(replace(report, sections=(), panels=page), PANEL_WIDTH)) <= 2


def test_a_report_fits_a_few_sheets_and_says_what_it_leaves_out(report: PeriodicReport, nasty: PeriodicReport) -> None:
    body = pdf(report, PANEL_WIDTH)
    assert body.startswith(b"%PDF-")
    assert len(pictures(report, PANEL_WIDTH)) in {3, 4}
    assert len(pictures(nasty, PANEL_WIDTH)) <= 6
    light, dark = (pictures(report, PANEL_WIDTH, theme)[0] for theme in Theme)
    assert light != dark
    fonts = set(re.findall(rb"/BaseFont */[A-Z]+\+([\w-]+)", body))
    assert not fonts or fonts <= {b"DejaVuSans", b"DejaVuSans-Bold"}


CONTROLS = "a\0b\x01c\x0bd\x1be\x7f\u202ef\ufffe"
TYPST = '#panic("x") $x$ *bold* _it_ `raw` <label> @ref \\ // /* = heading [a](b)'


@pytest.mark.parametrize("text", [CONTROLS, TYPST, "<r></r>", "<r>", "</r>", HEBREW], ids=range(6))
def test_no_text_breaks_a_report(report: PeriodicReport, text: str) -> None:
    table = ReportTable((Column("Error", wide=True),), (ReportRow((text,)),))
    odd = replace(report, sections=(ReportSection("Errors", "", table),), notes=(text,), panels=None)
    page = html(odd, PANEL_WIDTH)
    assert b"\0" not in page
    Book(xlsx(odd)).rows("Errors")
    assert pdf(odd, PANEL_WIDTH).startswith(b"%PDF-")

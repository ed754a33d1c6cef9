"""Pages as files, from a real Prometheus that remembers an hour; and paper from a model that has it all.

Covers: reports.draw, reports.html, reports.model, reports.pdf.
"""

import re
import struct
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from html import unescape

import pytest

from nervesys.look.colours import SHADES, Theme
from nervesys.queries.query_runner import QueryRunner
from reports.files import FileFormat, draw_file
from reports.html import render_file
from reports.model import (
    Axis,
    Bar,
    Bars,
    Body,
    Cell,
    Graph,
    GraphLine,
    GridPosition,
    Key,
    Lane,
    Notice,
    PageModel,
    Panel,
    StateSpan,
    Table,
    Text,
    Tile,
    Tiles,
    Timeline,
)
from reports.pdf import ROWS, pdf, png
from reports.units import NumberFormat
from tests.hour.history import HOUR_SECONDS
from tests.reports.panels import PAGES

WIDTH = 1400
HEBREW = "הסוכן grok נפל"
LINE = GraphLine(Key(HEBREW, "series-1"), ((0, 1), (10, 2)), 10, NumberFormat())
BODIES: dict[str, Body] = {
    "notice": Notice("nothing here"),
    "failed": Notice("parse error", failed=True),
    "tile": Tiles((Tile("", Cell("5", "green")),)),
    "tiles": Tiles((Tile("a", Cell("running", "green")), Tile("b", Cell("silent", "red")))),
    "bars": Bars((Bar("vm", Cell("4", "orange"), 1), Bar("other", Cell("0"), 0))),
    "table": Table(("Agent", "Age"), ((Cell(HEBREW, "", "", HEBREW), Cell("4 s", "red", "", 4.0, number=True)),)),
    "text": Text(("one *two*", "#three")),
    "graph": Graph((LINE,), Axis(((0, "0"), (2, "2"))), stacked=False),
    "timeline": Timeline((Lane("grok", "", (StateSpan(0, 60, "running", "green"),)),)),
}


def page_of(*bodies: Body | None) -> PageModel:
    """One panel a line."""
    panels = tuple(Panel(f"p-{y}", HEBREW, "", GridPosition(0, 8 * y, 24, 8), body) for y, body in enumerate(bodies))
    return PageModel("p", "A page", "It shows. Generated.", 0, 100, panels, notes=("Actions: timeout",))


def size(picture: bytes) -> tuple[int, int]:
    """Width and height that a PNG says."""
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_paper_shows_every_kind_of_panel(body: Body) -> None:
    empty, drawn = png(page_of(None), WIDTH, UTC), png(page_of(body), WIDTH, UTC)
    assert drawn.startswith(b"\x89PNG")
    assert size(drawn)[0] == size(empty)[0]
    assert size(drawn)[1] > size(empty)[1] + 200


def test_light_and_dark_differ_in_nothing_but_colour() -> None:
    page = page_of(*BODIES.values())
    light, dark = (png(page, WIDTH, UTC, theme) for theme in Theme)
    assert size(light) == size(dark)
    assert light != dark


def test_a_long_table_is_cut_on_paper_and_a_page_goes_on_over_sheets() -> None:
    row = (Cell("grok"), Cell("4 s"))
    long, longer = (page_of(Table(("Agent", "Age"), (row,) * count)) for count in (ROWS + 1, ROWS + 50))
    assert size(png(long, WIDTH, UTC)) == size(png(longer, WIDTH, UTC))
    short, more = (pdf(page_of(*bodies), WIDTH, UTC) for bodies in ([None], [*BODIES.values()] * 2))
    assert [len(re.findall(rb"/Type ?/Page\b", sheets)) > 3 for sheets in (short, more)] == [False, True]


def test_a_page_as_file_needs_no_network_and_keeps_hebrew() -> None:
    text = render_file(page_of(*BODIES.values()), "", WIDTH, UTC)
    assert text.count(HEBREW) > len(BODIES)
    policy = unescape(re.findall(r'Content-Security-Policy" content="([^"]*)"', text)[0])
    assert re.fullmatch(
        r"default-src 'none'; style-src '(sha256-\S+)'; script-src '(sha256-\S+)'; img-src data:", policy
    )
    assert re.findall(r'(?:src|href)="(?!data:)([^"]*)"', text) == []
    assert "Actions: timeout" in text


def test_drawings_use_defined_colours_only() -> None:
    body = render_file(page_of(*BODIES.values()), "", WIDTH, UTC).partition("<main ")[2].partition("</main>")[0]
    used = set(re.findall(r"(?:var\(--|ink-)([a-z0-9-]+)", body))
    assert used
    assert used <= SHADES.keys()


@pytest.mark.parametrize(
    ("file_format", "start"), [(FileFormat.PDF, b"%PDF"), (FileFormat.PNG, b"\x89PNG"), (FileFormat.HTML, b"<!doctype")]
)
def test_a_dashboard_becomes_a_file(live: QueryRunner, file_format: FileFormat, start: bytes) -> None:
    with ThreadPoolExecutor(4) as executor:
        made = draw_file(PAGES[0], live, HOUR_SECONDS, file_format, Theme.DARK, executor)
    assert made.lstrip().startswith(start)

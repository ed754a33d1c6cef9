"""Graphs and timelines in a real browser, by mouse and keyboard.

Covers: reports.chart_data.
"""

import math
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from nervesys.look.colours import SHADES, Theme
from nervesys.queries.query_runner import QueryRunner
from reports.chart_data import rounded
from reports.files import FileFormat, draw_file
from reports.units import BYTES, RATE, TIME, NumberFormat
from tests.reports.live_site import Watched, opened
from tests.reports.panels import PAGES

OVERVIEW = "/d/main-overview?from=now-15m&refresh=off"
UNITS = ("short", "percentunit", "bytes", "Bps", "s", "count:/min", "none", "currencyUSD", "currency:CHF ")


def panel(page: Page, title: str) -> Locator:
    return page.locator("section", has=page.get_by_role("heading", name=title, exact=True))


def move_to(page: Page, plot: Locator, x: float, y: float = 0.5) -> None:
    """Move the mouse to a share of a plot's width and height."""
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y, steps=3)


def drag(page: Page, plot: Locator, start: float, end: float) -> None:
    move_to(page, plot, start)
    page.mouse.down()
    move_to(page, plot, end)
    page.mouse.up()


def range_of(page: Page) -> tuple[float, float]:
    """The time range that the address carries, in seconds."""
    query = parse_qs(urlsplit(page.url).query)
    return int(query["from"][0]) / 1000, int(query["to"][0]) / 1000


@pytest.fixture
def overview(site: Watched, page: Page) -> Page:
    opened(page, site, OVERVIEW)
    expect(page.locator(".u-over").first).to_be_attached()
    return page


def test_all_values_are_shown_at_the_pointer_and_the_nearest_is_marked(overview: Page, tmp_path: Path) -> None:
    plots = panel(overview, "Tasks ended").locator(".u-over")
    move_to(overview, plots, 0.5, 0.9)
    tip = overview.locator("#tip")
    expect(tip).to_be_visible()
    assert re.match(r"Jun 15, \d\d:\d\d:\d\d", tip.inner_text())
    rows = tip.locator("tr")
    expect(rows).to_have_count(2)
    values = [float(text.removesuffix("/min")) for text in rows.locator("td:last-child").all_inner_texts()]
    assert values == sorted(values, reverse=True)
    expect(tip.locator("tr.near")).to_have_count(1)
    overview.screenshot(path=tmp_path / "tip.png")
    overview.mouse.move(1, 1)
    expect(tip).to_be_hidden()


def test_the_cursor_is_shared_by_all_graphs_of_the_page(overview: Page) -> None:
    move_to(overview, panel(overview, "CPU").locator(".u-over"), 0.4)
    cursors = overview.locator(".u-cursor-x").evaluate_all(
        "lines => lines.map(line => new DOMMatrix(getComputedStyle(line).transform).e / line.parentElement.clientWidth)"
    )
    assert len(cursors) > 5
    assert cursors == pytest.approx([0.4] * len(cursors), abs=0.01)


def test_a_drag_zooms_the_whole_page_and_a_double_click_goes_back(overview: Page, site: Watched) -> None:
    before = len(site.requests)
    drag(overview, panel(overview, "CPU").locator(".u-over"), 0.25, 0.75)
    expect(overview.get_by_role("combobox", name="Time")).to_have_value(re.compile(r"\d+\.\.\d+"))
    start, end = range_of(overview)
    assert end - start == pytest.approx(450, rel=0.05)
    assert len(site.requests) == before + 1, "one request for the whole page"
    link = overview.get_by_role("link", name="Stack Health").get_attribute("href")
    assert link
    assert f"from={start * 1000:.0f}&to={end * 1000:.0f}" in link
    label = overview.get_by_role("combobox", name="Time").locator("option:checked").inner_text()
    assert re.fullmatch(r"Jun 15, \d\d:\d\d:\d\d to \d\d:\d\d:\d\d", label), "the chosen range is shown"
    expect(panel(overview, "Memory").locator(".u-over")).to_be_attached()
    move_to(overview, panel(overview, "Memory").locator(".u-over"), 0.5)
    panel(overview, "Memory").locator(".u-over").dblclick()
    expect(overview.get_by_role("combobox", name="Time")).to_have_value("now-15m")
    assert "from=now-15m" in overview.url


def test_a_double_click_on_a_page_that_was_not_zoomed_shows_twice_its_range(overview: Page) -> None:
    panel(overview, "CPU").locator(".u-over").dblclick()
    expect(overview.get_by_role("combobox", name="Time")).to_have_value(re.compile(r"\d+\.\.\d+"))
    start, end = range_of(overview)
    assert end - start == pytest.approx(1800, rel=0.05)


def test_a_click_on_a_legend_leaves_one_line_and_ctrl_takes_one_off(overview: Page) -> None:
    tasks = panel(overview, "Tasks ended")
    grok, gimai = (tasks.locator(".legend").get_by_role("button", name=name) for name in ("grok", "gimai"))

    def names() -> list[str]:
        move_to(overview, tasks.locator(".u-over"), 0.4)
        move_to(overview, tasks.locator(".u-over"), 0.5)
        return overview.locator("#tip td:nth-child(2)").all_inner_texts()

    grok.click()
    expect(gimai).to_have_attribute("aria-pressed", "false")
    assert names() == ["grok"]
    grok.click()
    assert sorted(names()) == ["gimai", "grok"]
    grok.click(modifiers=["Control"])
    assert names() == ["gimai"]
    grok.click(modifiers=["Control"])
    assert sorted(names()) == ["gimai", "grok"]


def test_what_was_switched_off_stays_off_after_a_refresh(site: Watched, page: Page) -> None:
    opened(page, site, "/d/main-overview?from=now-15m")
    grok = panel(page, "Tasks ended").locator(".legend").get_by_role("button", name="grok")
    grok.click(modifiers=["Control"])
    before = page.locator("#drawn").inner_text()
    expect(page.locator("#drawn")).not_to_have_text(before)
    expect(grok).to_have_attribute("aria-pressed", "false")


def test_the_keyboard_moves_the_cursor_zooms_and_resets(overview: Page) -> None:
    tip, plot = overview.locator("#tip"), panel(overview, "Tasks ended").locator(".plot")
    plot.focus()
    overview.keyboard.press("ArrowLeft")
    last = tip.inner_text()
    overview.keyboard.press("ArrowLeft")
    expect(tip).not_to_have_text(last)
    overview.keyboard.press("Home")
    first = tip.inner_text()
    overview.keyboard.press("Shift+ArrowRight")
    expect(tip).not_to_have_text(first)
    overview.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    overview.keyboard.press("+")
    expect(overview.get_by_role("combobox", name="Time")).to_have_value(re.compile(r"\d+\.\.\d+"))
    expect(plot).to_be_focused()
    overview.keyboard.press("Escape")
    expect(overview.get_by_role("combobox", name="Time")).to_have_value("now-15m")


def test_a_timeline_shows_the_state_of_every_agent_at_the_pointer(overview: Page) -> None:
    move_to(overview, panel(overview, "Status of each agent").locator(".u-over"), 0.5, 0.25)
    tip = overview.locator("#tip")
    expect(tip.locator("tr.near")).to_have_text(re.compile("gimai.*running"))
    expect(tip.locator("tr")).to_have_count(2)
    expect(tip).to_contain_text("gimai: running from Jun 15, ")


def test_a_graph_that_cannot_be_drawn_says_so_and_the_others_stay(site: Watched, page: Page) -> None:
    def break_the_first(route: Any) -> None:
        text = route.fetch().text()
        route.fulfill(body=re.sub("data-chart='.*?'", "data-chart='{}'", text, count=1), content_type="text/html")

    page.route("**/d/**", break_the_first)
    opened(page, site, OVERVIEW)
    expect(page.locator(".failed")).to_contain_text("This graph cannot be drawn")
    expect(page.locator(".u-over").nth(3)).to_be_attached()


def test_without_a_script_the_graphs_are_pictures(site: Watched, browser: Browser) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(f"{site.url}{OVERVIEW}")
    expect(panel(page, "CPU").locator("svg[viewBox]")).to_be_visible()
    expect(page.get_by_role("button", name="Show").first).to_be_visible()


def test_a_file_zooms_without_a_server_and_its_policy_allows_only_its_own_script(
    live: QueryRunner, page: Page, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(4) as executor:
        text = draw_file(PAGES[0], live, 900, FileFormat.HTML, Theme.LIGHT, executor).decode()
    assert "unsafe" not in text
    file = tmp_path / "overview.html"
    file.write_text(text)
    page.goto(file.as_uri())
    plot = panel(page, "CPU").locator(".u-over")
    drag(page, plot, 0.25, 0.75)
    move_to(page, plot, 0.01)
    zoomed = page.locator("#tip b").inner_text()
    plot.dblclick()
    move_to(page, plot, 0.01)
    assert page.locator("#tip b").inner_text() < zoomed


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_graphs_have_the_colours_of_the_system_s_theme(overview: Page, scheme: Any) -> None:
    overview.emulate_media(color_scheme=scheme)
    green = SHADES["green"][scheme == "dark"].removeprefix("#")
    overview.wait_for_function(
        """colour => {
            const canvas = document.querySelector("section.timeline canvas");
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return data.some((_, place) => colour.every((part, offset) => data[place + offset] === part));
        }""",
        arg=list(bytes.fromhex(green)),
        polling=200,
    )


def numbers() -> Iterator[float]:
    """Of every size, and none in the middle between two texts, which C and JavaScript round differently."""
    yield 0
    for scale in (BYTES, RATE, TIME):
        yield from (least for least, *_ in scale)
    for exponent in range(-7, 16):
        yield from (sign * digits * 10**exponent for digits in (1, 1.2346, 9.9961, 5.551) for sign in (1, -1))


def test_the_script_formats_numbers_as_the_server_does(overview: Page) -> None:
    values = [rounded(number) for number in numbers()]
    for unit in UNITS:
        for decimals in (None, 0, 1):
            number_format = NumberFormat.of(unit, decimals)
            shown = overview.evaluate(
                "([values, format]) => values.map(value => textOf(value, format))", [values, asdict(number_format)]
            )
            assert shown == [number_format.text(value) for value in values], unit


def test_a_value_keeps_the_digits_that_can_be_seen() -> None:
    assert [rounded(value) for value in (123456789.0, 1234567.89, 0.000123456789, -2 / 3)] == [
        123456789,
        1234568,
        0.000123457,
        -0.666667,
    ]
    assert math.isclose(rounded(1e-30), 1e-30)

"""The live pages in a real browser: what is chosen there, what refreshes by itself, and what is never asked."""

from datetime import UTC
from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from reports.html import render_file, style_sheet
from reports.model import Cell, GridPosition, PageModel, Panel, Tile, Tiles
from tests.reports.live_site import PHONE, WIDE, Watched, opened


def test_agent_and_time_range_are_chosen_and_go_along(site: Watched, page: Page, tmp_path: Path) -> None:
    opened(page, site, "/d/main-overview?from=now-15m")
    agents = page.locator("section", has=page.get_by_role("heading", name="Agents", exact=True)).locator("tbody tr")
    expect(agents).to_have_count(2)
    page.screenshot(path=tmp_path / "overview.png", full_page=True)
    with page.expect_navigation():
        page.get_by_role("combobox", name="Agent").select_option("grok")
    expect(agents).to_have_count(1)
    with page.expect_navigation():
        page.get_by_role("combobox", name="Time").select_option("now-1h")
    expect(page.get_by_role("combobox", name="Agent")).to_have_value("grok")
    assert "from=now-1h" in page.url
    with page.expect_navigation():
        agents.get_by_role("link", name="grok").click()
    expect(page).to_have_title("Agent Details")
    expect(page.get_by_role("combobox", name="Agent")).to_have_value("grok")
    expect(page.get_by_role("combobox", name="Time")).to_have_value("now-1h")
    page.screenshot(path=tmp_path / "agent.png", full_page=True)


def test_a_page_refreshes_by_itself_and_only_reads(site: Watched, page: Page) -> None:
    opened(page, site, "/d/main-overview?from=now-15m")
    drawn = page.get_by_role("status")
    before = drawn.inner_text()
    expect(drawn).not_to_have_text(before)
    again = drawn.inner_text()
    expect(drawn).not_to_have_text(again)
    assert {request.method for request in site.requests} == {"GET"}
    assert all(request.url.startswith((site.url, "data:")) for request in site.requests)


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["desk", "phone"])
def test_pages_fit_into_the_window(site: Watched, page: Page, tmp_path: Path, size: ViewportSize) -> None:
    opened(page, site, "/d/alerts-actions?from=now-15m")
    page.set_viewport_size(size)
    page.reload()
    page.screenshot(path=tmp_path / "alerts.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tops = page.locator("section").evaluate_all("all => all.map(one => one.getBoundingClientRect().width)")
    assert min(tops) > 100


def test_on_a_phone_the_navigation_is_one_line_that_shows_the_current_page(site: Watched, page: Page) -> None:
    page.set_viewport_size(PHONE)
    page.goto(f"{site.url}/d/stack-health?from=now-15m&refresh=off")
    links = page.locator("nav a").evaluate_all("all => all.map(link => link.getBoundingClientRect().top)")
    assert len(set(links)) == 1
    current = page.locator("nav [aria-current]").bounding_box()
    header = page.locator("header").bounding_box()
    assert current
    assert header
    assert 0 <= current["x"] <= PHONE["width"] - current["width"]
    assert header["height"] < PHONE["height"] / 5


def test_a_chosen_range_is_on_the_reader_s_clock(site: Watched, page: Page) -> None:
    opened(page, site, "/d/main-overview?from=now-15m&refresh=off")
    page.get_by_text("From … to …").click()
    page.get_by_label("From", exact=True).fill("2025-06-15T15:10:00")
    page.get_by_label("To", exact=True).fill("2025-06-15T15:20:00")
    with page.expect_navigation():
        page.locator("#range button").click()
    milliseconds = [
        page.evaluate("text => new Date(text).getTime()", f"2025-06-15T15:{minute}:00") for minute in (10, 20)
    ]
    assert page.url.endswith(f"from={milliseconds[0]}&to={milliseconds[1]}")
    expect(page.get_by_role("combobox", name="Time")).to_have_value("..".join(map(str, milliseconds)))


def test_the_refresh_can_be_paused(site: Watched, page: Page) -> None:
    page.clock.install()
    opened(page, site, "/d/main-overview?from=now-15m")

    def loads_in_a_minute() -> int:
        before = len(site.requests)
        for _ in range(6):
            page.clock.run_for(10_000)
            expect(page.locator("main[aria-busy]")).to_have_count(0)
        return len(site.requests) - before

    assert loads_in_a_minute() >= 6
    page.get_by_role("button", name="Pause").click()
    assert loads_in_a_minute() == 0
    page.get_by_role("button", name="Resume").click()
    assert loads_in_a_minute() >= 6


def test_a_page_that_cannot_be_refreshed_says_why_and_stays(site: Watched, page: Page) -> None:
    opened(page, site, "/d/main-overview?from=now-15m")
    page.route("**/d/**", lambda route: route.fulfill(status=503, body="Prometheus is being upgraded"))
    expect(page.locator("#drawn")).to_have_text("Not refreshed: Prometheus is being upgraded")
    expect(page.locator("section").first).to_be_visible()


@pytest.mark.parametrize("text", ["8.13 min", "escalated", "CHF 12 345.67 M", "2 minutes ago"])
def test_in_a_row_of_eight_tiles_nothing_is_cut_off(page: Page, tmp_path: Path, text: str) -> None:
    tile = Tiles((Tile("", Cell(text, "red", number=True)),))
    titles = ("Recovery time, last day", "Heartbeats late or lost")
    panels = tuple(Panel(f"p-{x}", titles[x % 2], "", GridPosition(3 * x, 0, 3, 4), tile) for x in range(8))
    json = {"uid": "p", "panels": [{"id": x, "gridPos": {"x": 3 * x, "y": 0, "w": 3, "h": 4}} for x in range(8)]}
    file = tmp_path / "tiles.html"
    file.write_text(render_file(PageModel("p", "p", "", 0, 60, panels), style_sheet([json]), 1400, UTC))
    page.set_viewport_size({"width": 1400, "height": 600})
    page.goto(file.as_uri())
    page.screenshot(path=tmp_path / "tiles.png")
    cut = page.locator("h3, dl, dd").evaluate_all(
        "all => all.filter(it => it.scrollWidth > it.clientWidth + 1 || it.scrollHeight > it.clientHeight + 1)"
        ".map(it => `${it.tagName} ${it.textContent}`)"
    )
    assert cut == []

"""The live pages in a real browser: what is chosen there, what refreshes by itself, and what is never asked."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize, expect

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

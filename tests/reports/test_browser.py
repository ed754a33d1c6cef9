"""The live pages in a real browser: what is chosen there, what refreshes by itself, and what is never asked."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, ViewportSize, expect

from nervesys.metrics.pages import application, serve_in_background
from nervesys.queries.query_runner import QueryRunner
from nervesys.settings.web import Web
from reports.server import Site
from tests.reports.panels import PAGES
from tests.servers.s3 import free_port

WIDE: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
REFRESH_SECONDS = 1


@dataclass
class Watched:
    """A site, and whose clock goes on with each page that it draws."""

    url: str
    requests: list[Request] = field(default_factory=list)


@pytest.fixture
def site(live: QueryRunner) -> Iterator[Watched]:
    """Pages that refresh each second; every page that is drawn is drawn a minute later than the one before."""
    moments = iter(live.now - 3000 + 60 * number for number in range(10_000))
    quick = [{**page, "refresh": f"{REFRESH_SECONDS}s"} for page in PAGES]
    listen = f"127.0.0.1:{free_port()}"
    with ThreadPoolExecutor(4) as executor:
        site = Site(quick, live.prometheus, live.interval, lambda: next(moments), executor)
        with serve_in_background(application(site.program(), Web()), listen, Web()):
            yield Watched(f"http://{listen}")


def opened(page: Page, site: Watched, path: str) -> None:
    """Open a page, and note all that it asks for."""
    page.set_viewport_size(WIDE)
    page.on("request", lambda request: site.requests.append(request))
    page.goto(f"{site.url}{path}")


def test_agent_and_time_range_are_chosen_and_go_along(site: Watched, page: Page, tmp_path: Path) -> None:
    opened(page, site, "/d/main-overview?from=now-15m")
    agents = page.locator("section", has=page.get_by_role("heading", name="Agents", exact=True)).locator("tbody tr")
    expect(agents).to_have_count(2)
    page.screenshot(path=tmp_path / "overview.png", full_page=True)
    with page.expect_navigation():
        page.get_by_label("Agent").select_option("grok")
    expect(agents).to_have_count(1)
    with page.expect_navigation():
        page.get_by_label("Time").select_option("now-1h")
    expect(page.get_by_label("Agent")).to_have_value("grok")
    assert "from=now-1h" in page.url
    with page.expect_navigation():
        agents.get_by_role("link", name="grok").click()
    expect(page).to_have_title("Agent Details")
    expect(page.get_by_label("Agent")).to_have_value("grok")
    expect(page.get_by_label("Time")).to_have_value("now-1h")
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


def test_the_values_at_the_pointer_are_shown(site: Watched, page: Page, tmp_path: Path) -> None:
    opened(page, site, "/d/agent-details?from=now-15m&var-agent_name=grok")
    page.locator("svg[data-hover]").first.hover()
    expect(page.locator("#tip")).to_be_visible()
    expect(page.locator("#tip")).to_contain_text("/min")
    page.screenshot(path=tmp_path / "tip.png")


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["desk", "phone"])
def test_pages_fit_into_the_window(site: Watched, page: Page, tmp_path: Path, size: ViewportSize) -> None:
    opened(page, site, "/d/alerts-actions?from=now-15m")
    page.set_viewport_size(size)
    page.reload()
    page.screenshot(path=tmp_path / "alerts.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tops = page.locator("section").evaluate_all("all => all.map(one => one.getBoundingClientRect().width)")
    assert min(tops) > 100

"""The live page of a fleet of ten thousand, whose agents no menu can hold: people search for one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from playwright.sync_api import FloatRect, Page, expect

from nervesys.clients.prometheus import Prometheus, Series
from nervesys.queries.query_runner import QueryRunner
from tests.reports.live_site import PHONE, Watched, opened, serving

AGENTS = [f"agent-{number:05}" for number in range(10_000)]


@dataclass(frozen=True)
class LargeFleet(Prometheus):
    """Knows ten thousand agents, and the series of twelve for every graph."""

    def label_values(self, label: str, selector: str, start: float, end: float, limit: int | None = None) -> list[str]:
        if match := re.search(rf'{label}(=~?)"([^"]*)"', selector):
            return [name for name in AGENTS if re.fullmatch(match[2], name)][:limit]
        return AGENTS[:limit]

    def instant(self, expr: str, at: float | None = None) -> list[Series]:
        return [Series({}, ((at or 0, 1),))]

    def range(self, expr: str, start: float, end: float, step: float) -> list[Series]:
        return [Series({"agent": name, "server": name}, ((start, 1), (end, 2))) for name in AGENTS[:12]]


@pytest.fixture
def large() -> Iterator[Watched]:
    with serving(QueryRunner(LargeFleet("http://nowhere"), 5, 1_750_000_000)) as site:
        yield site


def test_an_agent_is_found_by_typing_and_the_page_shows_it(large: Watched, page: Page) -> None:
    opened(page, large, "/d/main-overview?refresh=off")
    field = page.get_by_role("combobox", name="Agent")
    field.click()
    page.keyboard.type("7654", delay=20)
    expect(page.locator("#values-agent option")).to_have_count(1)
    assert page.locator("#values-agent option").get_attribute("value") == "agent-07654"
    field.fill("agent-07654")
    page.keyboard.press("Tab")
    page.wait_for_url(re.compile("var-agent=agent-07654"))
    expect(page.get_by_role("combobox", name="Agent")).to_have_value("agent-07654")
    field.fill("")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "var-agent" not in url)


def test_it_is_small_and_works_without_a_script(large: Watched) -> None:
    text = requests.get(f"{large.url}/d/main-overview", cookies={"width": "1400"}, timeout=20).text
    assert text.count("<option") < 200
    assert 'placeholder="All"' in text
    chosen = requests.get(f"{large.url}/d/main-overview?var-agent=agent-09999", timeout=20).text
    assert 'value="agent-09999"' in chosen
    assert "agent-00000</option>" in chosen


def test_many_names_stand_at_the_right_of_a_graph_and_below_it_on_a_phone(
    large: Watched, page: Page, tmp_path: Path
) -> None:
    opened(page, large, "/d/main-overview?refresh=off")
    panel = page.locator("section", has=page.get_by_role("heading", name="Tasks ended"))

    def boxes() -> tuple[FloatRect, FloatRect]:
        plot, legend = panel.locator(".plot").bounding_box(), panel.locator(".legend").bounding_box()
        assert plot
        assert legend
        return plot, legend

    plot, legend = boxes()
    assert plot["x"] + plot["width"] <= legend["x"]
    assert plot["height"] > 200
    assert panel.locator(".legend li").first.bounding_box() != panel.locator(".legend li").last.bounding_box()
    page.screenshot(path=tmp_path / "desk.png", full_page=True)
    panel.get_by_role("button", name=AGENTS[3]).click()
    expect(panel.locator("[data-key][aria-pressed=true]")).to_have_count(1)
    page.set_viewport_size(PHONE)
    page.reload()
    plot, legend = boxes()
    assert plot["y"] + plot["height"] <= legend["y"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

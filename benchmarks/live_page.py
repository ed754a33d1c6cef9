"""Benchmark: Main Overview as a live page of fleets of several sizes: bytes, seconds, and from a drag to redrawn."""

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import requests
from playwright.sync_api import Page

from benchmarks.dashboards import END, HOUR_SECONDS, LOADED, PAGE, FleetHistory, prometheus_with
from benchmarks.measure import BenchmarkReport, measure_best, seconds
from commands.dashboards import AT_A_TIME
from dashboards.build import datasource_seconds, pages
from nervesys.clients.prometheus import Prometheus
from nervesys.metrics.pages import application, serve_in_background
from nervesys.settings.web import Web
from reports.assets import script
from reports.server import Site
from tests.servers.chromium import chromium, open_page
from tests.servers.prometheus import PROGRAMS
from tests.servers.s3 import free_port

FLEETS = (5, 100, 10_000)
HOURS = 6
WIDTH = {"width": "1400"}
"""The cookie by which a browser reports that it draws the graphs itself."""
LOAD_SECONDS, REDRAW_SECONDS = 2.0, 2.5
WATCH = """() => addEventListener("mouseup", () => {
  const released = performance.now();
  let loading = false;
  const look = () => {
    const busy = document.querySelector("main").hasAttribute("aria-busy");
    if (loading && !busy) window.redrawn = performance.now() - released;
    else requestAnimationFrame(look);
    loading ||= busy;
  };
  look();
})"""
"""Notes the milliseconds from the release of the mouse to the first frame with the new range."""


def run(report: BenchmarkReport, *, large: bool, short: bool) -> None:
    """Measure each fleet before a Prometheus of its own."""
    report.fact("script of all pages, loaded once", f"{len(script()):,} bytes")
    for agents in FLEETS[:1] if short else FLEETS if large else FLEETS[:2]:
        with tempfile.TemporaryDirectory() as folder:
            _measure(report, FleetHistory(agents, (1 if short else HOURS) * HOUR_SECONDS), Path(folder))


def _measure(report: BenchmarkReport, fleet: FleetHistory, folder: Path) -> None:
    with prometheus_with(fleet, folder) as source, _served(source) as url:
        address = f"{url}/d/{PAGE['uid']}?from=now-{fleet.span(PAGE):.0f}s&refresh=off"
        what = f"Main Overview of {fleet.agents:,} agents"
        report.within(what, measure_best(lambda: _fetch(address)).wall, LOAD_SECONDS)
        packed, plain = _fetch(address)
        report.fact("its bytes, compressed and not", f"{packed:,} of {plain:,}")
        report.fact("the same with pictures, for a browser without a script", f"{_fetch(address, pictures=True)[1]:,}")
        with chromium(PROGRAMS).started() as browser, open_page(browser) as page:
            loaded, redrawn = _drag(page, address)
        report.fact("opened in a browser, until it is drawn", seconds(loaded))
        report.within("from the end of a drag until it is redrawn", redrawn, REDRAW_SECONDS)


@contextmanager
def _served(source: str) -> Iterator[str]:
    listen = f"127.0.0.1:{free_port()}"
    with ThreadPoolExecutor(AT_A_TIME) as executor:
        site = Site(pages(LOADED), Prometheus(source), datasource_seconds(LOADED), lambda: END, executor)
        with serve_in_background(application(site.program(), Web()), listen, Web()):
            yield f"http://{listen}"


def _fetch(address: str, *, pictures: bool = False) -> tuple[int, int]:
    """Bytes on the wire, and uncompressed."""
    response = requests.get(address, cookies={} if pictures else WIDTH, timeout=60)
    response.raise_for_status()
    return int(response.headers["content-length"]), len(response.content)


def _drag(page: Page, address: str) -> tuple[float, float]:
    """Seconds until the page is drawn, and from a drag over half of a graph until it is drawn anew."""
    loading = measure_best(lambda: _open(page, address), 1).wall
    page.evaluate(WATCH)
    box = page.locator("section.timeline .u-over").bounding_box()
    assert box, "the page has a timeline"
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 3 / 4, box["y"] + 20, steps=3)
    page.mouse.up()
    milliseconds = page.wait_for_function("() => window.redrawn").json_value()
    return loading, milliseconds / 1000


def _open(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("main:not([aria-busy]) .u-over")

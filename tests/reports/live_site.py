"""Live pages that a browser opens."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

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
    """A site, and all that a browser requested."""

    url: str
    requests: list[Request] = field(default_factory=list)


@contextmanager
def serving(live: QueryRunner) -> Iterator[Watched]:
    """Pages that refresh each second; every page that is drawn is drawn a minute later than the one before."""
    moments = iter(live.now - 3000 + 60 * number for number in range(10_000))
    quick = [{**page, "refresh": f"{REFRESH_SECONDS}s"} for page in PAGES]
    listen = f"127.0.0.1:{free_port()}"
    with ThreadPoolExecutor(4) as executor:
        site = Site(quick, live.prometheus, live.interval, lambda: next(moments), executor)
        with serve_in_background(application(site.program(), Web()), listen, Web()):
            yield Watched(f"http://{listen}")


def opened(page: Page, site: Watched, path: str) -> None:
    """Open a page, and note all that it requests; wait until it is drawn for its width and time zone."""
    page.set_viewport_size(WIDE)
    page.on("request", lambda request: site.requests.append(request))
    page.goto(f"{site.url}{path}")
    expect(page.locator("main[aria-busy]")).to_have_count(0)

"""Placeholder pages of a program that waits for its brain: healthy, but not ready."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from nervesys.metrics.pages import HEALTHY, serve_in_background
from nervesys.settings import StartupSettings, load
from nervesys.settings.monitoring import Monitoring

BASIC_AUTH = ("NERVESYS_WEB_USER", "NERVESYS_WEB_PASSWORD")


@contextmanager
def serve_not_ready(listen: Callable[[Monitoring], str], why: Callable[[], str]) -> Iterator[None]:
    """Answer 503 to everything but `/-/healthy`; to scrapes too, because empty metrics would look like a calm fleet.

    Args:
        listen: returns the address, given the settings without the brain.
        why: returns the reason, which is the body of the response.
    """

    async def not_ready(_: Request) -> Response:
        return PlainTextResponse(f"{why()}\n", 503)

    # Its pages show nothing that basic auth protects, whose other half may stand in the brain.
    environ = {name: value for name, value in os.environ.items() if not name.startswith(BASIC_AUTH)}
    monitoring = load(profile=StartupSettings.of(os.environ).profile, environ=environ).settings.monitoring
    app = Starlette(routes=[HEALTHY, Route("/{any:path}", not_ready)])
    with serve_in_background(app, listen(monitoring), monitoring.web, monitoring.hosts):
        yield

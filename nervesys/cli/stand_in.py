"""What stands in for a program's pages while it waits for its brain: alive, not ready, and why."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from nervesys.metrics.pages import HEALTHY, served
from nervesys.settings import Place, load
from nervesys.settings.monitoring import Monitoring


@contextmanager
def stand_in(listen: Callable[[Monitoring], str], why: Callable[[], str]) -> Iterator[None]:
    """Answer 503 to all but `/-/healthy`; to a scrape too, for no metrics at all could pass for calm.

    Args:
        listen: the address, out of the table without the brain's word.
        why: the answer.
    """

    async def not_ready(_: Request) -> Response:
        return PlainTextResponse(f"{why()}\n", 503)

    monitoring = load(profile=Place.of(os.environ).profile, environ=os.environ).settings.monitoring
    app = Starlette(routes=[HEALTHY, Route("/{any:path}", not_ready)])
    with served(app, listen(monitoring), monitoring.web):
        yield

"""What serves waits for a brain that it never saw: alive and not ready, and it says why."""

import logging
import os
from collections.abc import Callable
from itertools import chain, repeat
from time import sleep
from typing import TypeVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from nervesys.errors import BrainUnavailable
from nervesys.metrics.pages import HEALTHY, served
from nervesys.settings import Place, load
from nervesys.settings.monitoring import Listen

Read = TypeVar("Read")
PAUSES = (1, 2, 5, 10, 30)
LONGEST_PAUSE = 60

log = logging.getLogger(__name__)


def awaited(read: Callable[[], Read], listen: Callable[[Listen], str]) -> Read:
    """What is read, once the brain can be; meanwhile `/-/ready` says why it cannot.

    Args:
        read: raises `BrainUnavailable` where the brain is out of reach and there is no earlier copy.
        listen: the address to serve at, out of the table of addresses without the brain's word.

    Raises:
        SettingsError: the configuration is wrong, which waiting does not mend.
    """
    try:
        return read()
    except BrainUnavailable as err:
        why = str(err)
    place = Place.of(os.environ)
    monitoring = load(profile=place.profile, environ=os.environ).settings.monitoring
    with served(_page(lambda: why), listen(monitoring.listen), monitoring.web):
        for pause in chain(PAUSES, repeat(LONGEST_PAUSE)):
            log.warning("%s; asked again in %d s", why, pause)
            sleep(pause)
            try:
                return read()
            except BrainUnavailable as err:
                why = str(err)
    raise AssertionError("it is asked for ever")


def _page(why: Callable[[], str]) -> Starlette:
    """No metrics either: an empty page of them could pass for calm."""

    async def not_ready(_: Request) -> Response:
        return PlainTextResponse(f"{why()}\n", 503)

    return Starlette(routes=[HEALTHY, Route("/{any:path}", not_ready)])

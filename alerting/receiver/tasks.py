"""What runs beside the pages: the one place that catches, so that one bad turn does not end all turns."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from nervesys.errors import NervesysError

Pause = Callable[[], Awaitable[float]]
Work = Callable[[], Awaitable[None]]

log = logging.getLogger(__name__)


async def guarded(name: str, work: Awaitable[None]) -> None:
    """Await a piece of work; what it raises is logged, a mistake of ours with its traceback."""
    try:
        await work
    except NervesysError as err:
        log.warning("%s: %s", name, err)
    except Exception:  # a bug, and the next turn may still do its work
        log.exception("%s has a bug", name)


def steady(seconds: float) -> Pause:
    """The same pause each time."""

    async def pause() -> float:
        return seconds

    return pause


async def every(pause: Pause, name: str, work: Work, wake: asyncio.Event) -> None:
    """Do a piece of work again and again, at once where it is woken.

    Args:
        pause: returns the seconds to wait after each time.
        name: for the log.
        work: done each time.
        wake: set by whoever has news.
    """
    while True:
        wake.clear()
        await guarded(name, work())
        try:
            await asyncio.wait_for(wake.wait(), await pause())
        except TimeoutError:
            continue

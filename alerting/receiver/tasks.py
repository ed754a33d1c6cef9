"""Runs background work again and again; one turn that fails does not end the loop."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from nervesys.errors import NervesysError

Pause = Callable[[], Awaitable[float]]
Work = Callable[[], Awaitable[None]]

log = logging.getLogger(__name__)


async def log_errors(name: str, work: Awaitable[None]) -> None:
    """Await work; an exception is logged instead of raised, one that is a bug with its traceback."""
    try:
        await work
    except NervesysError as err:
        log.warning("%s: %s", name, err)
    except Exception:  # a bug; the next turn may succeed
        log.exception("%s failed unexpectedly", name)


def fixed_pause(seconds: float) -> Pause:
    """The same pause each time."""

    async def pause() -> float:
        return seconds

    return pause


async def run_repeatedly(pause: Pause, name: str, work: Work, wake: asyncio.Event) -> None:
    """Do work again and again, after a pause or as soon as an event is set.

    Args:
        pause: returns the seconds to wait after each time.
        name: for the log.
        work: done each time.
        wake: ends the pause when it is set.
    """
    while True:
        wake.clear()
        await log_errors(name, work())
        try:
            await asyncio.wait_for(wake.wait(), await pause())
        except TimeoutError:
            continue

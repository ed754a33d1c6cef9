"""Long-running programs wait for the brain at their first start, and log the reason."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from itertools import chain, repeat
from time import sleep
from typing import TypeVar

from nervesys.errors import BrainUnavailable

Read = TypeVar("Read")
Why = Callable[[], str]
PAUSES = (1, 2, 5, 10, 30)
LONGEST_PAUSE = 60

log = logging.getLogger(__name__)


def wait_for_brain(
    read: Callable[[], Read], meanwhile: Callable[[Why], AbstractContextManager[None]] = lambda _: nullcontext()
) -> Read:
    """Call `read` until the brain can be reached, and return its result.

    Args:
        read: raises `BrainUnavailable` if the brain cannot be reached and there is no earlier copy.
        meanwhile: context manager to enter while waiting; it is passed a function that returns the reason.

    Raises:
        SettingsError: the configuration is wrong; waiting would not help.
    """
    try:
        return read()
    except BrainUnavailable as err:
        why = str(err)
    with meanwhile(lambda: why):
        for pause in chain(PAUSES, repeat(LONGEST_PAUSE)):
            log.warning("%s; next attempt in %d s", why, pause)
            sleep(pause)
            try:
                return read()
            except BrainUnavailable as err:
                why = str(err)
    raise AssertionError("the loop never ends")

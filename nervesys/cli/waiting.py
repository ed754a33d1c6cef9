"""What runs on and on waits for a brain that it never saw, and says so."""

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


def awaited(
    read: Callable[[], Read], meanwhile: Callable[[Why], AbstractContextManager[None]] = lambda _: nullcontext()
) -> Read:
    """What is read, once the brain can be.

    Args:
        read: raises `BrainUnavailable` where the brain is out of reach and there is no earlier copy.
        meanwhile: entered while there is something to wait for; is handed what says why.

    Raises:
        SettingsError: the configuration is wrong, which waiting does not mend.
    """
    try:
        return read()
    except BrainUnavailable as err:
        why = str(err)
    with meanwhile(lambda: why):
        for pause in chain(PAUSES, repeat(LONGEST_PAUSE)):
            log.warning("%s; asked again in %d s", why, pause)
            sleep(pause)
            try:
                return read()
            except BrainUnavailable as err:
                why = str(err)
    raise AssertionError("it is asked for ever")

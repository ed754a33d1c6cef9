"""Tells what failed on the receiver's own machine, for want of files, memory or disk, from what failed elsewhere.

Such a call is no attempt: it says nothing about the agent, and must not use up the restarts that are allowed.
"""

import errno
import os
import socket
from collections.abc import Callable, Iterator

from alerting.drivers.outcome import Done, NotTried, Outcome
from nervesys.errors import NervesysError

ERRORS = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}
)
NO_THREAD = "can't start new thread"
"""Python's message where the system refuses one more thread."""


class ShortOfResources(NervesysError):
    """The receiver's own machine lacks something."""


def raise_if_short(err: BaseException) -> None:
    """Raise `ShortOfResources` where an error, or what caused it, is a shortage of this machine.

    Raises:
        ShortOfResources: it is.
    """
    for cause in _causes(err):
        if isinstance(cause, OSError) and cause.errno in ERRORS:
            raise ShortOfResources(os.strerror(cause.errno)) from err
        if isinstance(cause, MemoryError):
            raise ShortOfResources(os.strerror(errno.ENOMEM)) from err
        if isinstance(cause, RuntimeError) and NO_THREAD in str(cause):
            raise ShortOfResources(NO_THREAD) from err


def call_driver(call: Callable[[], Outcome]) -> Outcome | NotTried:
    """The outcome of a driver call; `NotTried` where this machine lacked something."""
    try:
        outcome = call()
        if not isinstance(outcome, Done):
            _open_something()  # lookups of names and of credentials report no errno
    except ShortOfResources as short:
        return NotTried(f"the receiver's own machine: {short}")
    except (OSError, MemoryError, RuntimeError) as err:
        try:
            raise_if_short(err)
        except ShortOfResources as short:
            return NotTried(f"the receiver's own machine: {short}")
        raise
    return outcome


def _open_something() -> None:
    try:
        socket.socket().close()
    except OSError as err:
        raise_if_short(err)


def _causes(err: BaseException) -> Iterator[BaseException]:
    """An error and what led to it; libraries wrap errors in others, some only as arguments."""
    waiting, seen = [err], set[int]()
    while waiting:
        cause = waiting.pop()
        if id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            inner = (cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args)
            waiting += [item for item in inner if isinstance(item, BaseException)]

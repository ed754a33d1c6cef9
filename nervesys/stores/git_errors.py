"""Converts the exceptions of pygit2, so that a damaged or hostile repository never ends a program with a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import pygit2

from nervesys.errors import BrainUnavailable

GIT_ERRORS = (pygit2.GitError, KeyError, ValueError, OSError)
"""Raised by pygit2: KeyError for a missing object, ValueError for an invalid name, OSError for input and output."""


@contextmanager
def git_errors(operation: str) -> Iterator[None]:
    """Raise errors of pygit2 in the `with` block as `BrainUnavailable`.

    Args:
        operation: what is attempted, for the message.
    """
    try:
        yield
    except GIT_ERRORS as err:
        raise BrainUnavailable(f"{operation}: {err}") from err

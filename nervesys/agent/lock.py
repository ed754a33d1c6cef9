"""One agent of a name on one host: a lock on a file, which the system releases when its holder dies."""

import fcntl
import os
from pathlib import Path
from weakref import WeakSet

from nervesys.errors import NervesysError


class Lock:
    """Held from now until `release`.

    Args:
        path: of the file, made where it is missing; it names the process that holds it.

    Raises:
        NervesysError: another holds it, or the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+")
        except OSError as err:
            raise NervesysError(
                f"write {path}: {err.strerror}; name a folder for --home that can be written to"
            ) from err
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            holder = self._file.read(20).strip()
            self._file.close()
            raise NervesysError(f"lock {path}: process {holder} is this agent already; stop it first") from None
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()
        _held.add(self)

    def release(self) -> None:
        """Let others have it."""
        self._file.close()


_held: WeakSet[Lock] = WeakSet()


def _forked() -> None:
    """A child that a fork made holds no lock: it would hold it beyond its parent's death."""
    for lock in _held:
        lock.release()


os.register_at_fork(after_in_child=_forked)

"""At most one process for each agent name on a host: a file lock, which the kernel releases when its holder dies."""

import fcntl
import os
from pathlib import Path
from weakref import WeakSet

from nervesys.errors import NervesysError


class Lock:
    """Held from construction until `release`.

    Args:
        path: of the lock file, which is created if missing, and holds the process id of the holder.

    Raises:
        NervesysError: another process holds it, or the file cannot be written.
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
        """Release the lock."""
        self._file.close()


_held: WeakSet[Lock] = WeakSet()


def _release_after_fork() -> None:
    """A forked child closes its copy of the lock file: it would keep the lock after its parent died."""
    for lock in _held:
        lock.release()


os.register_at_fork(after_in_child=_release_after_fork)

"""An exclusive lock between processes, by `flock` on a file of its own.

Not the library `filelock`: a child forked while its lock is held keeps a copy of the descriptor, and with it the lock
beyond its parent's death. Agents run their authors' code, which may fork at any time.
"""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self
from weakref import WeakSet


class FileLock:
    """Held between `acquire` and `release`, or within `with`; the kernel releases it when the process dies.

    It does not exclude threads of the same process that share the object.

    Args:
        path: of the lock file; it is created if missing, as is its folder, and never deleted.

    Raises:
        OSError: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        _open_locks.add(self)

    def acquire(self, *, wait: bool = True) -> bool:
        """Take the lock.

        Args:
            wait: until another process releases it.

        Returns:
            Whether it is held; False only without `wait`.
        """
        assert self._file is not None, "it is closed"
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Release the lock; it may be acquired again."""
        assert self._file is not None, "it is closed"
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Release the lock, if it is held, and close the file; calling it again does nothing."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


_open_locks: WeakSet[FileLock] = WeakSet()


def _close_after_fork() -> None:
    """A forked child closes its copies: a copy would keep the lock after the parent closed its own, or died."""
    for lock in _open_locks:
        lock.close()


os.register_at_fork(after_in_child=_close_after_fork)

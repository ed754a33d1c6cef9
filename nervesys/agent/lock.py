"""At most one process for each agent name on a host."""

import os
from contextlib import suppress
from pathlib import Path

from nervesys.errors import NervesysError
from nervesys.file_lock import FileLock

HOLDER_CHARACTERS = 20


class AgentLock:
    """Held from construction until `release`.

    Args:
        path: of the lock file, which is created if missing, and contains the process id of the holder.

    Raises:
        NervesysError: another process holds it, or the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._lock = FileLock(path)
        except OSError as err:
            raise NervesysError(
                f"write {path}: {err.strerror}; name a folder for --home that can be written to"
            ) from err
        if not self._lock.acquire(wait=False):
            self._lock.close()
            holder = path.read_text(errors="replace")[:HOLDER_CHARACTERS].strip()
            raise NervesysError(f"lock {path}: process {holder} is this agent already; stop it first")
        with suppress(OSError):  # for the error message above only
            path.write_text(f"{os.getpid()}\n")

    def release(self) -> None:
        """Release the lock."""
        self._lock.close()

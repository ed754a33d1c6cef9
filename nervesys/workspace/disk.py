"""Files that are whole at every instant, and on the disk when the call returns."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nervesys.errors import NervesysError

BESIDE = ".part-"
"""How files begin that are not whole yet."""


def replace(path: Path, body: bytes) -> None:
    """Write a file beside its place, force it to the disk, and put it in its place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=BESIDE, delete=False) as file:
        try:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink()
            raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Force the names in a folder to the disk."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


@contextmanager
def told(what: str) -> Iterator[None]:
    """Say what was attempted when the disk refuses.

    Raises:
        NervesysError: in place of what the system raises.
    """
    try:
        yield
    except OSError as err:
        raise NervesysError(f"{what}: {err.strerror}") from err

"""Atomic and durable writes of files."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nervesys.errors import NervesysError

BESIDE = ".part-"
"""Prefix of temporary files."""


def replace(path: Path, body: bytes) -> None:
    """Replace a file atomically and durably: write a temporary file, fsync it, rename it."""
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
    """Make renames in a folder durable (fsync)."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


@contextmanager
def describe_os_errors(what: str) -> Iterator[None]:
    """Convert an OSError to an error that names the operation.

    Raises:
        NervesysError: in place of the OSError.
    """
    try:
        yield
    except OSError as err:
        raise NervesysError(f"{what}: {err.strerror}") from err

"""Generates the keys of the local stack, once, in files that only their owner can read."""

import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from nervesys.errors import NervesysError

RECEIVER_NAMES = ("receiver_token", "approval_key")
"""Those of the receiver: of its API and page, and of the links by which people approve actions."""
NAMES = ("store_access_key", "store_secret_key", *RECEIVER_NAMES)
"""File names in the folder of secrets."""


def make(folder: Path, names: Sequence[str] = NAMES, mode: int = 0o600) -> None:
    """Create missing keys; existing ones are kept.

    A key is complete as soon as it exists, even if the disk is full or the process is killed meanwhile.

    Args:
        folder: folder of the keys; mode 0700, unless the files are readable by others.
        names: file names.
        mode: permissions of the files.

    Raises:
        NervesysError: a key cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700 if mode == 0o600 else 0o755)
    for name in names:
        if not (folder / name).exists():
            create(folder / name, secrets.token_hex(20), mode)


def create(path: Path, text: str, mode: int = 0o600) -> bool:
    """Create a file with its whole content at once, unless it exists.

    Args:
        path: of the file; its folder exists.
        text: its content.
        mode: its permissions, from its first moment.

    Returns:
        Whether it was created.

    Raises:
        NervesysError: it cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
            os.fchmod(file.fileno(), mode)
            file.write(text)
        os.link(draft, path)
    except FileExistsError:
        return False
    except OSError as err:
        raise NervesysError(f"write {path}: {err.strerror}") from err
    finally:
        with suppress(OSError):
            draft.unlink()
    return True

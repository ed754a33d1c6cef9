"""Generates the keys of the local stack, once, in files that only their owner can read."""

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

NAMES = ("store_access_key", "store_secret_key", "receiver_token")
"""File names in the folder of secrets."""


def make(folder: Path, names: Sequence[str] = NAMES, mode: int = 0o600) -> None:
    """Create missing keys; existing ones are kept.

    Args:
        folder: folder of the keys; mode 0700, unless the files are readable by others.
        names: file names.
        mode: permissions of the files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700 if mode == 0o600 else 0o755)
    for name in names:
        try:
            handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        except FileExistsError:
            continue
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(20))
        (folder / name).chmod(mode)

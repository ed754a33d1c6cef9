"""Keys of the local stack: made once, kept in files that nobody else may read."""

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

NAMES = ("store_access_key", "store_secret_key", "receiver_token")
"""One file each in the folder of secrets."""


def make(folder: Path, names: Sequence[str] = NAMES, mode: int = 0o600) -> None:
    """Make the keys that are not there yet; those that are stay as they are.

    Args:
        folder: of the keys; nobody else may enter it, unless its files are for others too.
        names: of the files.
        mode: permissions of each; readable by others only where a folder of its own is the boundary.
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

"""Keys of the local stack: made once, kept in files that nobody else may read."""

import os
import secrets
from pathlib import Path

NAMES = ("store_access_key", "store_secret_key", "receiver_token")
"""One file each in the folder of secrets."""


def make(folder: Path) -> None:
    """Make the keys that are not there yet; those that are stay as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name in NAMES:
        try:
            handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(20))

"""Reads files that hold one secret, as editors and `echo` write them: with a byte order mark or a line break."""

import logging
from functools import cache
from pathlib import Path

BOM = "\ufeff"
MAX_CHARACTERS = 100_000
"""Largest size: a key, a token, a service account."""

log = logging.getLogger(__name__)


def read_secret_text(path: Path) -> str:
    """The secret in a file, without byte order mark and surrounding white space; a warning names what was stripped.

    The line break with which every editor ends a file is no reason for one.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not UTF-8, or too long for a secret.
    """
    with path.open(encoding="utf-8", newline="") as file:
        text = file.read(MAX_CHARACTERS + 1)
    if len(text) > MAX_CHARACTERS:
        raise ValueError("too long for a secret")
    secret = text.removeprefix(BOM).strip()
    if secret != text.removesuffix("\n"):
        _warn(path, "a byte order mark" if text.startswith(BOM) else "white space or a line break")
    return secret


@cache
def _warn(path: Path, what: str) -> None:
    """Warn once for each file: some are read again and again."""
    log.warning("%s: ignored %s around the secret; other programs may not", path, what)

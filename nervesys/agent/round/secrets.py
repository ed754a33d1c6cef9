"""Rotation of this machine's own secrets with the daily round, where the settings ask for it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from nervesys.clock import Clock
from nervesys.file_lock import FileLock
from nervesys.settings.rotation import LOCK, OwnSecret, complete_copies, own_secrets, rotate_due
from nervesys.settings.storage import Storage


def rotate_secrets(home: Path, storage: Storage, clock: Clock, progress: Callable[[str], None]) -> list[str]:
    """Replace what is due, of the secrets of ours in this home; nothing without `round.rotate_secrets_days`.

    Args:
        home: NERVESYS_HOME.
        storage: settings.
        clock: decides what is due.
        progress: takes each secret that was replaced, as a line of text.

    Returns:
        Problems that need an operator.

    Raises:
        NervesysError: the copies of a token cannot be written.
    """
    days = storage.round.rotate_secrets_days
    if days is None:
        return []
    own = own_secrets(home, storage.artifacts.tokens)
    with FileLock(home / LOCK):  # other agents of this machine find nothing due afterwards
        complete_copies(own)
        return rotate_due(own, days, storage.round.secret_overlap_hours, clock(), partial(_report, progress))


def _report(progress: Callable[[str], None], secret: OwnSecret, problem: str) -> None:
    if not problem:
        progress(f"replaced the secret {secret.name}: {secret.after}")

"""The audit trail of the commands: `with audited("receiver", place, settings): serve(…)`."""

import os
from contextlib import AbstractContextManager

from nervesys.agent.audit_trail import audit_trail
from nervesys.settings import Settings, StartupSettings
from nervesys.stores.open_stores import open_store

CLI = "cli"
"""Program under whose name short commands ship."""


def audited(program: str, place: StartupSettings, settings: Settings) -> AbstractContextManager[None]:
    """The trail of a program while a block runs.

    Args:
        program: its name, or `CLI`.
        place: whose home holds the buffer.
        settings: of the store.
    """
    return audit_trail(program, place.home, settings, open_store(settings.storage.storj), os.environ)


def operator() -> str:
    """Who runs this command: the user of the operating system."""
    import pwd  # not on every system

    try:
        return f"user {pwd.getpwuid(os.getuid()).pw_name}"
    except KeyError:
        return f"user {os.getuid()}"

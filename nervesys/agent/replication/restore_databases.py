"""Restores an agent's databases on this host before it starts, from their copies in the store."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from nervesys.agent.bootstrap import LocalBrain
from nervesys.agent.identity import identify, resolve_name
from nervesys.agent.lock import AgentLock
from nervesys.agent.replication.databases import open_databases
from nervesys.clock import Clock
from nervesys.settings import StartupSettings
from nervesys.stores.open_stores import open_store


def restore_databases(
    given_name: str | None, place: StartupSettings, server: str | None, environ: Mapping[str, str], clock: Clock
) -> Iterator[Path]:
    """Restore each database from its newest copy; yields the path of each.

    Args:
        given_name: of the agent, if any; see `resolve_name`.
        place: the agent's home and brain.
        server: this host's name, if it differs from the system's host name.
        environ: environment variables.
        clock: of all timestamps.

    Raises:
        SettingsError: the configuration is wrong, or the agent is not in it.
        NervesysError: the agent is running on this host; a copy is damaged; or the disk is full.
        StoreUnavailable: the store does not answer.
    """
    name = resolve_name(given_name, environ)
    me = identify(name, server, LocalBrain(name, place, environ, clock).as_opened(), environ, clock())
    lock = AgentLock(me.folder / "lock")
    try:
        databases = open_databases(me, open_store(me.settings.storage.storj), clock)
        for database in databases.names():
            yield databases.path(database)
    finally:
        lock.release()

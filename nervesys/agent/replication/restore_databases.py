"""Brings an agent's databases back onto this host before it starts, from what the store keeps."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from nervesys.agent.bootstrap import Copy
from nervesys.agent.identity import identify, named
from nervesys.agent.lock import Lock
from nervesys.agent.replication.databases import databases_of
from nervesys.clock import Clock
from nervesys.settings import StartupSettings
from nervesys.stores.open_stores import open_store


def revived(
    called: str | None, place: StartupSettings, server: str | None, environ: Mapping[str, str], clock: Clock
) -> Iterator[Path]:
    """Each database, once it lies here as the store's newest copy has it.

    Args:
        called: the agent's name; see `named`.
        place: where it lives.
        server: this host's name, where it is another than the machine's own.
        environ: environment variables.
        clock: of all timestamps.

    Raises:
        SettingsError: the configuration is wrong, or does not know the agent.
        NervesysError: the agent runs here; or a copy is damaged, or finds no room.
        StoreUnavailable: the store does not answer.
    """
    name = named(called, environ)
    me = identify(name, server, Copy(f"agent-{name}", place, environ, clock).opened(), environ, clock())
    lock = Lock(me.folder / "lock")
    try:
        databases = databases_of(me, open_store(me.settings.storage.storj), clock)
        for one in databases.names():
            yield databases.path(one)
    finally:
        lock.release()

"""Opens a source with its runner: takes the lock that keeps a second exporter out, and opens the cache."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from exporters.runner.cache import Cache
from exporters.runner.health import Health
from exporters.runner.model import WHOLE, Shard, Source, SourceContext
from exporters.runner.runner import Runner
from nervesys.clock import Clock
from nervesys.errors import NervesysError
from nervesys.file_lock import FileLock
from nervesys.settings import Loaded, StartupSettings


@contextmanager
def open_source(
    source: Source,
    place: StartupSettings,
    loaded: Loaded,
    clock: Clock,
    *,
    once: bool = False,
    shard: Shard = WHOLE,
    shares_process: bool = False,
) -> Iterator[Runner]:
    """Open a runner, and its cache for itself alone.

    Args:
        source: what to read.
        place: where the cache lies.
        loaded: settings and fleet.
        clock: this machine's.
        once: for a single reading, with a cache in memory, which may run beside an exporter of the same source.
        shard: which part of the fleet is read.
        shares_process: whether other sources have the same process.

    Raises:
        NervesysError: another process reads this source with the same home, or home cannot be written to.
    """
    path = place.cache(source.name + shard.suffix)
    with ExitStack() as resources:
        if not once:
            resources.enter_context(_source_lock(path.with_suffix(".lock"), source.name))
        cache = Cache() if once else Cache(path)
        resources.callback(cache.close)
        health = Health(source.name, clock, shares_process=shares_process)
        context = SourceContext(
            place, loaded.settings, loaded.agents, clock, cache, health, once, shard, commit=loaded.commit
        )
        yield Runner(source, context)


@contextmanager
def _source_lock(path: Path, source: str) -> Iterator[None]:
    """Hold the source's lock; the system releases it when the process ends, however it ends."""
    try:
        lock = FileLock(path)
    except OSError as err:
        raise NervesysError(f"write {path}: {err.strerror}; name a folder for --home that can be written to") from err
    with closing(lock):
        if not lock.acquire(wait=False):
            raise NervesysError(f"another {source} exporter runs with {path.parent.parent}; stop it first")
        yield

"""Opens what log records are read from."""

from functools import cache

from nervesys.clock import Clock
from nervesys.logs.reader import LogReader
from nervesys.settings.storage import Storage
from nervesys.stores.archive import Archive
from nervesys.stores.open_archive import open_archive
from nervesys.stores.open_stores import open_store


def open_reader(storage: Storage, clock: Clock) -> LogReader:
    """A reader of the configured store, and of the archive once a query goes back that far.

    Args:
        storage: names store and archive; without an archive only the store is read.
        clock: gives the current day.

    Raises:
        SettingsError: the archive's URL or key is wrong; raised by the first query that needs it.
    """

    @cache
    def archive() -> Archive | None:
        return open_archive(storage.archive) if storage.archive.is_configured else None

    return LogReader(open_store(storage.storj), archive, storage, clock)

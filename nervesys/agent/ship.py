"""Ships sealed batches to the store; a batch leaves the disk only after the store has confirmed it."""

import gzip
from dataclasses import dataclass

from nervesys.agent.buffer import Buffer
from nervesys.agent.identity import Identity
from nervesys.clock import Clock
from nervesys.contract.paths import time_fields
from nervesys.stores.objects import ObjectStore

GZIP_LEVEL = 6


@dataclass(frozen=True)
class Shipper:
    """Takes batches from the buffer to the store.

    Attributes:
        store: that takes them.
        buffer: that holds them.
        me: whose records they are.
        clock: dates a batch when it is sealed.
    """

    store: ObjectStore
    buffer: Buffer
    me: Identity
    clock: Clock

    def ship(self) -> None:
        """Seal what waits and send all that is sealed, oldest first.

        Raises:
            StoreUnavailable: what was not confirmed stays in the buffer.
        """
        self.buffer.commit()
        self.buffer.seal(self._key, by_category="{category}" in self._template)
        for batch in self.buffer.batches():
            body = gzip.compress(self.buffer.lines(batch), GZIP_LEVEL, mtime=0)
            self.store.put(batch, body, content_type="application/gzip")
            self.buffer.delete(batch)

    def _key(self, category: str, first: int) -> str:
        return self.me.key(self._template, **time_fields(self.clock()), category=category, seq=f"{first:08}")

    @property
    def _template(self) -> str:
        return self.me.settings.storage.storj.paths.active_logs

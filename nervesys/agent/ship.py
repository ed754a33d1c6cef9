"""Ships sealed batches to the store; a batch leaves the disk only after the store has confirmed it."""

import gzip
from dataclasses import dataclass

from nervesys.agent.buffer import Buffer
from nervesys.clock import Clock
from nervesys.contract.paths import PathTemplate, time_fields
from nervesys.stores.objects import ObjectStore

GZIP_LEVEL = 6


@dataclass(frozen=True)
class Shipper:
    """Takes batches from the buffer to the store.

    Attributes:
        store: that takes them.
        buffer: that holds them.
        template: of the keys (area `active_logs`).
        agent: whose records they are.
        server: on which they were written.
        clock: dates a batch when it is sealed.
    """

    store: ObjectStore
    buffer: Buffer
    template: PathTemplate
    agent: str
    server: str
    clock: Clock

    def ship(self) -> None:
        """Seal what waits and send all that is sealed, oldest first.

        Raises:
            StoreUnavailable: what was not confirmed stays in the buffer.
        """
        self.buffer.commit()
        self.buffer.seal(self._key, by_category="category" in self.template.fields)
        for batch in self.buffer.batches():
            body = gzip.compress(self.buffer.lines(batch), GZIP_LEVEL, mtime=0)
            self.store.put(batch, body, content_type="application/gzip")
            self.buffer.delete(batch)

    def _key(self, category: str, first: int) -> str:
        known = {"agent": self.agent, "server": self.server, "category": category, "seq": f"{first:08}"}
        return self.template.build(**time_fields(self.clock()), **known)

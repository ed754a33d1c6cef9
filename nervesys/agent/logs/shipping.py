"""Ships sealed batches to the store; a batch is deleted from the disk only after the store has confirmed it."""

import random
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from nervesys.agent.identity import Identity
from nervesys.agent.logs.buffer import Batch, LogBuffer
from nervesys.clock import Clock
from nervesys.contract import PathTemplate
from nervesys.contract.paths import time_fields
from nervesys.errors import NervesysError
from nervesys.settings.agents import BufferSettings
from nervesys.stores.encryption import key_for
from nervesys.stores.objects import ObjectStore
from nervesys.stores.packing import pack

MB = 1_000_000
CONTENT_TYPES = {"gz": "application/gzip", "zst": "application/zstd", "age": "application/octet-stream"}
SUFFIXES = {"gzip": ".gz", "zstd": ".zst"}
FIRST_PAUSE_SECONDS = 5.0
DOUBLINGS = 20
"""Of the pause, at most: no float holds the thousandth, which an outage of days reaches."""
"""After the first failure; each further one doubles it, up to the interval between two shipments."""
FULL_SHARE = 0.9
"""Of the largest batch: so full, the buffered records still fit into a single batch when they are sealed."""
SMALLEST_BATCHES = 4
"""Least number of batches that fit into the buffer, however small it is."""


@dataclass
class Shipper:
    """Uploads batches from the buffer to the store.

    Attributes:
        store: target of the upload.
        buffer: source of the batches.
        me: the agent.
        clock: timestamps a batch when it is sealed.
        area: of the store's paths.
        reduce: leaves out records of a batch that need not be shipped; see `nervesys.agent.edge`.
    """

    store: ObjectStore
    buffer: LogBuffer
    me: Identity
    clock: Clock
    area: str = "active_logs"
    reduce: Callable[[Iterable[bytes]], Iterable[bytes]] = lambda chunks: chunks
    _failures: int = field(default=0, init=False)

    @property
    def full(self) -> bool:
        """Whether nearly a whole batch is buffered, and the last shipment did not fail."""
        return not self._failures and self.buffer.bytes >= FULL_SHARE * self._batch_bytes

    def pause(self) -> float:
        """Seconds until the next shipment: exponential backoff after failures, with jitter."""
        interval = self._settings.flush_interval_minutes * 60
        if not self._failures:
            return interval
        longest: float = min(interval, FIRST_PAUSE_SECONDS * 2 ** min(self._failures - 1, DOUBLINGS))
        return longest * random.uniform(0.5, 1)  # noqa: S311  # jitter, no secret

    def ship(self) -> None:
        """Send all sealed batches, then seal and send the other buffered records.

        Raises:
            StoreUnavailable: batches that were not confirmed stay in the buffer.
            NervesysError: the buffer cannot be read or written.
        """
        try:
            self._ship()
        except NervesysError:
            self._failures += 1
            raise
        self._failures = 0

    def _ship(self) -> None:
        with suppress(NervesysError):  # logged by the commit loop; records on the disk can be shipped all the same
            self.buffer.commit()
        self._send()
        while True:
            last = self.buffer.bytes < self._batch_bytes
            self.buffer.seal(self._key, self._batch_bytes, by_category="category" in self._template.fields)
            if not self._send() or last:
                return

    def _send(self) -> int:
        """Send all sealed batches; returns how many."""
        batches = self.buffer.batches()
        for batch in batches:
            self._put(batch)
        return len(batches)

    def _put(self, batch: Batch) -> None:
        recipients = self.me.settings.storage.encryption.recipients
        key = key_for(batch.key, recipients)
        body = pack(self.reduce(self.buffer.lines(batch)), key, self._settings.compression_level, recipients)
        self.store.put(key, body, content_type=CONTENT_TYPES[key.rpartition(".")[2]])
        self.buffer.delete(batch)

    def _key(self, category: str, first: int) -> str:
        return self.me.key(self._template.text, **time_fields(self.clock()), category=category, seq=f"{first:08}")

    @property
    def _template(self) -> PathTemplate:
        template = PathTemplate(getattr(self.me.settings.storage.storj.paths, self.area))
        return template.packed(SUFFIXES[self._settings.compression])

    @property
    def _batch_bytes(self) -> int:
        most = min(self._settings.flush_on_size_mb, self._settings.max_size_mb / SMALLEST_BATCHES)
        return int(most * MB)

    @property
    def _settings(self) -> BufferSettings:
        return self.me.config.buffer

"""OpenTelemetry of an agent: its buffer on the disk, the loops that write and ship it, and who fills it."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from nervesys.agent.host import MB
from nervesys.agent.identity import Identity
from nervesys.agent.logs.buffer import LogBuffer
from nervesys.agent.logs.shipping import Shipper
from nervesys.agent.loop import Loop
from nervesys.agent.telemetry.encoding import OtlpEncoder
from nervesys.agent.telemetry.intake import Intake, runs
from nervesys.agent.telemetry.listener import ENDPOINT, listen, variables
from nervesys.agent.telemetry.span_observer import SpanObserver
from nervesys.agent.telemetry.span_sinks import SpanSinks
from nervesys.agent.telemetry.span_tasks import SpanTasks
from nervesys.clock import Clock
from nervesys.stores.objects import ObjectStore

COMMIT_SECONDS = 0.5
"""Between two writes to the disk, as for logs."""

log = logging.getLogger(__name__)


class Telemetry:
    """Receives, buffers and ships.

    Args:
        me: the agent.
        store: target of the shipments.
        clock: of all timestamps.
        sinks: take what spans show of the agent's work.

    Raises:
        NervesysError: the buffer cannot be created or opened.
    """

    def __init__(self, me: Identity, store: ObjectStore, clock: Clock, sinks: SpanSinks) -> None:
        self._me = me
        self._buffer = LogBuffer(me.folder / "traces.sqlite3", self._max_bytes, runs)
        self._shipper = Shipper(store, self._buffer, me, clock, area="active_traces")
        self.shipping = Loop("shipping traces", self._shipper.ship, self._shipper.pause)
        """Ships what is on the disk."""
        self.loops = (self.shipping, Loop("buffering traces", self._commit, lambda: COMMIT_SECONDS))
        """All loops."""
        encoder = OtlpEncoder(me.name, me.redactor, lambda: me.config.telemetry.content)
        self.span_tasks = SpanTasks(me.name, sinks, clock)
        """Tasks that traces stand for."""
        observer = SpanObserver(me.log.name, sinks, self.span_tasks, clock)
        self.intake = Intake(self._buffer, encoder, clock, observer.observe, sinks.work.lose_telemetry)
        """Takes requests."""

    @contextmanager
    def listen(self) -> Iterator[Mapping[str, str]]:
        """Listen for OTLP/HTTP while the block runs; yields the variables for an instrumented program.

        Raises:
            NervesysError: no port can be opened.
        """
        if given := os.environ.get(ENDPOINT):
            log.info("traces of the program go to %s, which %s names; the agent does not receive them", given, ENDPOINT)
            yield {}
            return
        with listen(self.intake) as port:
            log.info("listening for OpenTelemetry on port %d of this host", port)
            yield variables(self._me, port, os.environ)

    def configure(self) -> None:
        """Apply the settings that are not read at each use."""
        self._buffer.max_bytes = self._max_bytes

    def close(self) -> None:
        """Close the buffer, after its last shipment."""
        self._buffer.close()

    @property
    def _max_bytes(self) -> int:
        return int(self._me.config.telemetry.max_size_mb * MB)

    def _commit(self) -> None:
        self._buffer.commit()
        if self._shipper.full:
            self.shipping.wake()

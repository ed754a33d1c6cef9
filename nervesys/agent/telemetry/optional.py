"""OpenTelemetry of an agent, opened at its first use: most agents need neither its packages nor their memory."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nervesys.agent.identity import Identity
from nervesys.agent.loop import Loop
from nervesys.agent.telemetry.span_sinks import SpanSinks
from nervesys.clock import Clock
from nervesys.errors import NervesysError
from nervesys.stores.objects import ObjectStore

if TYPE_CHECKING:
    from nervesys.agent.telemetry.telemetry import Telemetry

EXTRA = "pip install 'nervesys-observability[otel]'"


log = logging.getLogger(__name__)


class MissingPackage(NervesysError):
    """A package of the extra is not installed."""


class OptionalTelemetry:
    """Opens `Telemetry` when it is needed, and ends it with the agent.

    Args:
        me: the agent.
        store: target of the shipments.
        clock: of all timestamps.
        sinks: take what spans show of the agent's work.
    """

    def __init__(self, me: Identity, store: ObjectStore, clock: Clock, sinks: SpanSinks) -> None:
        self._me, self._store, self._clock, self._sinks = me, store, clock, sinks
        self._opened: Telemetry | None = None
        self._started = False
        self._flush: Callable[[], None] | None = None

    @property
    def loops(self) -> tuple[Loop, ...]:
        """Loops that write and ship; none before the first use."""
        return self._opened.loops if self._opened else ()

    def open(self) -> "Telemetry":
        """The buffer and its loops, which start with those of the agent.

        Raises:
            NervesysError: a package is not installed, or the buffer cannot be opened.
        """
        if self._opened is None:
            try:
                from nervesys.agent.telemetry.telemetry import Telemetry
            except ModuleNotFoundError as err:
                raise MissingPackage(f"OpenTelemetry needs {err.name}: {EXTRA}") from err
            self._opened = Telemetry(self._me, self._store, self._clock, self._sinks)
            if self._started:
                self.start()
        return self._opened

    def start(self) -> None:
        """Start the loops."""
        self._started = True
        for loop in self.loops:
            loop.start()

    def set_providers(self) -> None:
        """Set the providers of OpenTelemetry's SDK in this process, once.

        Raises:
            NervesysError: a package is not installed, or the buffer cannot be opened.
        """
        if self._flush is not None:
            return
        telemetry = self.open()
        from nervesys.agent.telemetry.providers import install  # after `open`, which names a missing package

        self._flush = install(self._me, telemetry.intake, telemetry.span_tasks)

    @contextmanager
    def listen(self) -> Iterator[Mapping[str, str]]:
        """Receive OTLP/HTTP of a program while the block runs, unless the settings disable it.

        Yields:
            Environment variables that lead the program to the listener; none if there is none.

        Raises:
            NervesysError: it is enabled in the settings and a package is not installed, or no port can be opened.
        """
        if not self._may_listen():
            yield {}
            return
        with self.open().listen() as variables:
            yield variables

    def _may_listen(self) -> bool:
        """Whether the settings enable it, or leave it to what is installed."""
        enabled = self._me.config.telemetry.enabled
        if enabled is not None:
            return enabled
        try:
            self.open()
        except MissingPackage as err:
            log.info("the program's OpenTelemetry is not received: %s", err)
            return False
        return True

    def configure(self) -> None:
        """Apply the settings that are not read at each use."""
        if self._opened:
            self._opened.configure()

    def flush(self) -> None:
        """Append to the buffer what the SDK holds in memory."""
        if self._flush:
            self._flush()

    def ship(self) -> None:
        """Ship what is buffered; a failure is logged."""
        if self._opened:
            self._opened.shipping.run_now()

    def close(self) -> None:
        """Close the buffer."""
        if self._opened:
            self._opened.close()

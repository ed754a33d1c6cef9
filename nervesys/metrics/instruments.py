"""Counters, gauges and histograms about the program itself: prometheus_client, driven by the table of families.

It uses a registry of its own without auto-describe, because that would call `collect()` at registration.
"""

from collections.abc import Iterable
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from nervesys import __version__
from nervesys.metrics.family import Family, Period
from nervesys.metrics.snapshot import MetricsSnapshot

disable_created_metrics()  # type: ignore[no-untyped-call]  # untyped upstream

BUILD_INFO = Family("build_info", "gauge", "Version of the running program.", ("program", "version"), Period.SCRAPE)
_KINDS: dict[str, Any] = {"counter": Counter, "gauge": Gauge}


class Instruments:
    """The live metrics of one program.

    Args:
        program: its name, a label of `build_info`.
        families: the families of its instruments.
        of_process: whether memory and CPU of the process are exposed; False for all but one of several in a process.
    """

    def __init__(self, program: str, families: Iterable[Family], *, of_process: bool = True) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self._instruments = {family: self._make(family) for family in (BUILD_INFO, *families)}
        self._instruments[BUILD_INFO].labels(program, __version__).set(1)
        if of_process:
            ProcessCollector(registry=self.registry)
            PlatformCollector(registry=self.registry)

    def _make(self, family: Family) -> Any:
        name = family.full_name.removesuffix("_total")
        if family.kind == "histogram":
            return Histogram(name, family.help, family.labels, buckets=family.buckets, registry=self.registry)
        return _KINDS[family.kind](name, family.help, family.labels, registry=self.registry)

    def _at(self, family: Family, labels: tuple[str, ...]) -> Any:
        instrument = self._instruments[family]
        return instrument.labels(*labels) if family.labels else instrument

    def add(self, family: Family, *labels: str, by: float = 1) -> None:
        """Increment a counter; `by=0` creates the series, so that `increase` sees its first event."""
        self._at(family, labels).inc(by)

    def set(self, family: Family, value: float, *labels: str) -> None:
        """Set a gauge."""
        self._at(family, labels).set(value)

    def observe(self, family: Family, seconds: float, *labels: str) -> None:
        """Add an observation to a histogram."""
        self._at(family, labels).observe(seconds)

    def start(self, family: Family, *labels: str) -> None:
        """Create a histogram's series, so that `increase` sees its first observation."""
        self._at(family, labels)

    def remove(self, family: Family, *labels: str) -> None:
        """Remove a series."""
        self._instruments[family].remove(*labels)

    def snapshot(self) -> MetricsSnapshot:
        """The current metrics, rendered."""
        return MetricsSnapshot.of(generate_latest(self.registry))

"""The shape of a source: what it exposes, what it is opened with, and its areas."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event

from exporters.runner.cache import Cache
from exporters.runner.health import Health
from exporters.runner.refresh import Refresh
from nervesys.clock import Clock
from nervesys.metrics import Family
from nervesys.settings import AgentConfig, Settings, StartupSettings


@dataclass(frozen=True)
class Area:
    """A part of a source that is refreshed on its own.

    Attributes:
        name: the label value of `area`.
        families: what it may render; a family belongs to one area.
        every_seconds: between two passes.
        refresh: one pass: reads what changed and puts it. A `SourceError` that it raises fails the pass: the last
            snapshot stays served and the area's `exporter_up` drops to 0.
    """

    name: str
    families: Sequence[Family]
    every_seconds: float
    refresh: Callable[[Refresh], None]


@dataclass(frozen=True)
class Shard:
    """One of several exporters of a source that share the fleet among them.

    Attributes:
        number: which one, from 1.
        count: of how many.
    """

    number: int = 1
    count: int = 1

    def owns(self, name: str) -> bool:
        """Whether an agent, or a server, is this one's; every name has exactly one owner."""
        return self.count == 1 or zlib.crc32(name.encode("utf-8", "surrogatepass")) % self.count == self.number - 1

    @property
    def suffix(self) -> str:
        """Added to its file names; with count and way of dividing, because others assign objects differently."""
        return "" if self.count == 1 else f"-{self.number}-of-{self.count}-by-server"


TOLERATED = timedelta(days=1)
"""How far ahead of this machine's clock a date in a name or a file may lie before it is rejected as `future`."""

WHOLE = Shard()
"""The whole fleet, read by one exporter."""


@dataclass(frozen=True)
class SourceContext:
    """What a source is opened with.

    Attributes:
        place: where files are kept.
        settings: checked whole.
        agents: the fleet that the brain configures, by name.
        clock: this machine's.
        cache: what earlier passes and starts remembered.
        health: counts requests and rejections.
        once: True for a single reading of everything, which no Prometheus follows.
        shard: which part of the fleet is read.
        stopping: set when the exporter ends; long passes check it between their steps.
        commit: of the brain that configures the agents; empty where it is a folder.
    """

    place: StartupSettings
    settings: Settings
    agents: Mapping[str, AgentConfig]
    clock: Clock
    cache: Cache
    health: Health
    once: bool = False
    shard: Shard = WHOLE
    stopping: Event = field(default_factory=Event)
    commit: str = ""


@dataclass(frozen=True)
class Source:
    """What an exporter reads.

    Attributes:
        name: the argument of `nervesys exporter`, the label value of `source`, and the job in Prometheus.
        about: one sentence for the landing page.
        families: everything that its areas may expose.
        areas: opens them, in the order in which a single reading takes them; with the first, the exporter is ready.
            Opening reaches for no network, so that a source that is away is a failed pass, not a failed start.
        optional_areas: why a healthy fleet may lack them, by name.
    """

    name: str
    about: str
    families: tuple[Family, ...]
    areas: Callable[[SourceContext], Sequence[Area]]
    optional_areas: Mapping[str, str] = field(default_factory=dict)

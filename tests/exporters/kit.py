"""What exporter tests share: a clock that is moved by hand, and a context without disk."""

from dataclasses import dataclass, field
from pathlib import Path

from exporters.runner import WHOLE, Cache, Context, Health, Shard
from nervesys.settings import Place, load


@dataclass
class HandClock:
    """A clock that stands still until it is moved."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def context(
    clock: HandClock | None = None,
    cache: Cache | None = None,
    *,
    source: str = "store",
    once: bool = False,
    shard: Shard = WHOLE,
    flags: dict[str, str] | None = None,
) -> Context:
    """What a source is opened with, by the shipped settings."""
    clock = clock or HandClock()
    loaded = load(flags=flags)
    return Context(
        Place(Path("/nowhere")),
        loaded.settings,
        loaded.agents,
        clock,
        cache or Cache(),
        Health(source, clock),
        once,
        shard,
    )


@dataclass
class Rejected:
    """Collects what an area rejects."""

    all: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, key: str, bad: Exception) -> None:
        self.all.append((key, str(bad).partition(":")[0]))

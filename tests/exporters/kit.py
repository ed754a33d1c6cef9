"""What exporter tests share: a clock that is moved by hand, and a context without disk."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from exporters.runner import WHOLE, Cache, Health, Shard, SourceContext
from nervesys.errors import BadObject
from nervesys.settings import StartupSettings, load


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
    home: Path = Path("/nowhere"),
) -> SourceContext:
    """What a source is opened with, by the shipped settings."""
    clock = clock or HandClock()
    loaded = load(flags=flags)
    return SourceContext(
        StartupSettings(home),
        loaded.settings,
        loaded.agents,
        clock,
        cache or Cache(),
        Health(source, clock),
        once,
        shard,
    )


@dataclass
class Rejections:
    """Collects what is rejected on its way to where it is counted."""

    counted: Callable[[str, BadObject], None]
    all: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, key: str, bad: BadObject) -> None:
        self.all.append((bad.reason, key))
        self.counted(key, bad)

    def text(self) -> str:
        """One line each, sorted."""
        return "".join(f"{reason} {key!r}\n" for reason, key in sorted(self.all))

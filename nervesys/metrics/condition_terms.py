"""How alert conditions name the values of metric families, as plain data beside the family that has them.

`alerting.conditions` compiles these entries to PromQL; nothing here knows the language of conditions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:  # the settings take longer to import than all of nervesys.metrics
    from nervesys.settings.thresholds import AgeThresholds, PercentThresholds, Thresholds

TermKind = Literal["level", "increase", "changes", "mean", "age", "absence", "quiet"]
"""What is compared.

level     the gauge itself, all through a window: `cpu > 90% for 10 minutes`
increase  the increase of a counter, or of a histogram's count, within a window: `errors > 5 in 1 hour`
changes   how often a gauge changed within a window: `starts > 3 in 1 hour`
mean      a histogram's sum for each observation, within a window: `reaction time > 2 s in 1 hour`
age       the time since the instant that the gauge holds: `stopped > 7 days`
absence   the same, written with `no`: `no heartbeat > 5 minutes`
quiet     the time since the instant that the gauge holds, while the agent runs; written with `no`: `no logs > 2 hours`
"""
TermUnit = Literal["seconds", "bytes", "ratio", "count"]
ThresholdReader: TypeAlias = Callable[["Thresholds"], "PercentThresholds | AgeThresholds | float"]

TIMES: tuple[TermKind, ...] = ("age", "absence", "quiet")
"""Kinds that are compared with a duration, whatever the family's unit."""


class SourceArea(NamedTuple):
    """The area of an exporter's source whose refresh a series depends on: `store`, `agents`."""

    source: str
    area: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionTerm:
    """A word of conditions, and the value of the family that it stands for.

    Args:
        word: as conditions write it: `failed tasks`. Several terms may share a word if they differ in unit; the first
            in the order of the tables is meant where the unit does not decide.
        kind: what is compared.
        labels: the labels that the result keeps; the others are aggregated.
        origin: the area whose refresh it depends on; None for a program's own metrics.
        matchers: label matchers with their braces: `{outcome="failed"}`.
        unit: what it is compared with; None for the unit in which the family's name ends.
        threshold: what the word `threshold` stands for, read from the thresholds; percent for ratios.
        per: PromQL of a division, from its operator on.
        either_side: whether the bound is a distance from zero, in both directions.
        narrowed: PromQL that leaves out some series, from its operator on.
        must_exist: whether the condition also holds where no series existed for as long as the bound.

    Raises:
        ValueError: an argument is given that this kind does not use.
    """

    word: str
    kind: TermKind
    labels: tuple[str, ...] = ()
    origin: SourceArea | None = None
    matchers: str = ""
    unit: TermUnit | None = None
    threshold: ThresholdReader | None = None
    per: str = ""
    either_side: bool = False
    narrowed: str = ""
    must_exist: bool = False

    def __post_init__(self) -> None:
        if (self.per or self.either_side) and self.kind != "level":
            raise ValueError(f"{self.word}: only a level has `per` or `either_side`")
        if (self.narrowed or self.must_exist) and self.kind not in ("age", "absence"):
            raise ValueError(f"{self.word}: only an age or an absence has `narrowed` or `must_exist`")
        if self.kind in TIMES and self.origin is None:
            raise ValueError(f"{self.word}: {self.kind} needs the origin whose refresh proves that nothing came")
        if self.kind == "quiet" and self.threshold is None:
            raise ValueError(f"{self.word}: quiet needs a threshold")


def unit_of(name: str) -> TermUnit:
    """The unit in which a family's name ends, before `_total`."""
    match name.removesuffix("_total").rpartition("_")[2]:
        case "seconds":
            return "seconds"
        case "bytes":
            return "bytes"
        case "ratio":
            return "ratio"
        case _:
            return "count"

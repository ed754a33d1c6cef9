"""What is counted of the objects of an area: families, limits of their labels, and how an object is added up."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol, TypeAlias

from nervesys.errors import Reason
from nervesys.metrics import Family, Sample

Series: TypeAlias = tuple[str, ...]
"""A family's name and the label values; the agent is the first of them."""
Sums: TypeAlias = Mapping[Series, Sequence[float]]
"""What is added to each series: one number for a counter; the buckets' counts, then the sum, for a histogram."""
OTHER = "other"
"""Label value of agents that are not known, and of values beyond a limit."""


class Tally(Protocol):
    """Adds up the lines of one object."""

    def __call__(
        self,
        lines: Iterable[bytes],
        agent: str | None,
        is_known: Callable[[str], bool] = lambda _: True,
        is_used_up: Callable[[], bool] = lambda: False,
    ) -> tuple[Sums, Counter[Reason]]:
        """The sums, and how many lines were skipped for which reason.

        Args:
            lines: one JSON object each; empty ones are passed over.
            agent: whose object it is; None to use what each line names.
            is_known: whether such an agent has series of its own; those of others are counted as `other`.
            is_used_up: whether the object has used up its CPU time; its other lines are then left out.
        """


@dataclass(frozen=True)
class Counting:
    """What is counted of the objects of an area.

    Attributes:
        families: counters and histograms.
        tally: adds up an object.
        limits: by the family's name, the place of a label in its series, and how many values it has for each agent.
        follow: names of families whose limited values are those of another one, so that they are not reported again.
        hidden: names of families that are counted and not shown.
        expected: the series that an agent of the configuration has before anything is counted.
    """

    families: tuple[Family, ...]
    tally: Tally
    limits: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    follow: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    expected: Callable[[str], Iterable[Series]] = lambda _: ()

    @cached_property
    def _by_name(self) -> dict[str, Family]:
        return {family.name: family for family in self.families}

    def zeros(self, series: Series) -> list[float]:
        """The sums of a series to which nothing was added."""
        return zero_sums(self._by_name[series[0]])

    def samples(self, series: Series, sums: Sequence[float]) -> Iterator[Sample]:
        """The samples of one series; none of a hidden family."""
        if series[0] not in self.hidden:
            yield from series_samples(self._by_name[series[0]], series, sums)


def zero_sums(family: Family) -> list[float]:
    """The sums of a series to which nothing was added: zeros."""
    return [0.0] * (len(family.buckets) + 2 if family.buckets else 1)


def series_samples(family: Family, series: Series, sums: Sequence[float]) -> Iterator[Sample]:
    """The samples of one series of a family."""
    labels = series[1:]
    if family.buckets:
        yield from family.histogram(sums[:-1], sums[-1], *labels)
    else:
        yield family.sample(sums[0], *labels)

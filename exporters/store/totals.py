"""The totals of the log counters: they only grow, and each is exposed at 0 before its first count."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from exporters.shared.counting import OTHER, Counting, Series
from nervesys.metrics import Sample


class Totals:
    """The total of each series.

    Args:
        totals: from an earlier start.
        counting: what is counted.
        announced: False shows every series first at 0 and with its count from the next pass on: a series that first
            appears at 50 gives `increase` 0. True where no Prometheus follows, so that counts show at once.
    """

    def __init__(
        self, totals: Mapping[Series, Sequence[float]], counting: Counting, *, announced: bool = False
    ) -> None:
        self._totals, self._counting = dict(totals), counting
        self._announced = None if announced else set(totals)
        self._by_agent: dict[str, dict[Series, None]] = {}
        self._revision: dict[str, int] = {}
        for series in totals:
            self._touch(series)

    def expect(self, agents: Iterable[str]) -> None:
        """Expose what agents are expected to have from the start, so that `increase` sees the first count."""
        for agent in agents:
            for series in self._counting.expected(agent):
                if series not in self._totals:
                    self.put({series: self._counting.zeros(series)})

    def plus(self, added: Mapping[Series, Sequence[float]]) -> tuple[dict[Series, list[float]], list[Series]]:
        """What the totals would be with this added; nothing changes before `put`.

        Returns:
            The new totals of the series that change, and the series that are counted as `other`.
        """
        changed: dict[Series, list[float]] = {}
        over: list[Series] = []
        for wanted, more in added.items():
            series = wanted
            if (place := self._limited_place(wanted, changed)) is not None:
                over += [wanted] if wanted[0] not in self._counting.follow else []
                series = (*wanted[:place], OTHER, *wanted[place + 1 :])
            before = changed.get(series) or self._totals.get(series) or self._counting.zeros(series)
            changed[series] = [old + new for old, new in zip(before, more, strict=True)]
        return changed, over

    def put(self, changed: Mapping[Series, Sequence[float]]) -> None:
        """Store new totals."""
        self._totals.update(changed)
        for series in changed:
            self._touch(series)

    def forget(self, agent: str) -> list[Series]:
        """Forget an agent; returns its series."""
        del self._revision[agent]
        series = list(self._by_agent.pop(agent))
        for gone in series:
            del self._totals[gone]
        if self._announced is not None:
            self._announced.difference_update(series)
        return series

    def of_family(self, name: str) -> Iterator[tuple[Series, float]]:
        """The series of a family of single numbers, with their totals."""
        return ((series, sums[0]) for series, sums in self._totals.items() if series[0] == name)

    def drop(self, series: Iterable[Series]) -> None:
        """Forget single series."""
        for gone in series:
            del self._totals[gone]
            del self._by_agent[gone[1]][gone]
            if self._announced is not None:
                self._announced.discard(gone)

    def agents(self) -> Iterator[tuple[str, int]]:
        """Every agent, with a number that moves when its samples do."""
        yield from self._revision.items()

    def samples(self, agent: str) -> Iterator[Sample]:
        """An agent's samples; those never shown before at 0."""
        for series in sorted(self._by_agent[agent]):
            if self._announced is None or series in self._announced:
                yield from self._counting.samples(series, self._totals[series])
            else:
                self._announced.add(series)
                self._touch(series)
                yield from self._counting.samples(series, self._counting.zeros(series))

    def _touch(self, series: Series) -> None:
        agent = series[1]
        self._by_agent.setdefault(agent, {})[series] = None
        self._revision[agent] = self._revision.get(agent, 0) + 1

    def _limited_place(self, series: Series, changed: Mapping[Series, Sequence[float]]) -> int | None:
        """The place of the label whose value is one too many for the agent; None where there is room."""
        if series[0] not in self._counting.limits or series in self._totals or series in changed:
            return None
        place, limit = self._counting.limits[series[0]]
        known = {other[place] for other in (*self._by_agent.get(series[1], ()), *changed) if other[:2] == series[:2]}
        return place if series[place] not in known and len(known - {OTHER}) >= limit else None

"""The totals of the log counters: they only grow, and each is exposed at 0 before its first count."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from exporters.shared.records import BY_NAME, MAX_MODELS, OTHER, RECORDS, TOKENS, Series, series_samples, zero_sums
from nervesys.contract import Category, Level
from nervesys.metrics import Sample


class Totals:
    """The total of each series.

    Args:
        totals: from an earlier start.
        announced: False shows every series first at 0 and with its count from the next pass on: a series that first
            appears at 50 gives `increase` 0. True where no Prometheus follows, so that counts show at once.
    """

    def __init__(self, totals: Mapping[Series, Sequence[float]], *, announced: bool = False) -> None:
        self._totals = dict(totals)
        self._announced = None if announced else set(totals)
        self._by_agent: dict[str, dict[Series, None]] = {}
        self._revision: dict[str, int] = {}
        for series in totals:
            self._touch(series)

    def expect(self, agents: Iterable[str]) -> None:
        """Expose an agent's error counter from the start, so that `increase` sees the first error."""
        for agent in agents:
            series = (RECORDS.name, agent, Category.ERRORS, Level.ERROR)
            if series not in self._totals:
                self.put({series: [0.0]})

    def plus(self, added: Mapping[Series, Sequence[float]]) -> tuple[dict[Series, list[float]], list[Series]]:
        """What the totals would be with this added; nothing changes before `put`.

        Returns:
            The new totals of the series that change, and the series that are counted as `other`.
        """
        changed: dict[Series, list[float]] = {}
        over: list[Series] = []
        for wanted, more in added.items():
            series = wanted
            if self._over_limit(wanted, changed):
                over.append(wanted)
                series = (*wanted[:-1], OTHER)
            before = changed.get(series) or self._totals.get(series) or zero_sums(BY_NAME[series[0]])
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

    def agents(self) -> Iterator[tuple[str, int]]:
        """Every agent, with a number that moves when its samples do."""
        yield from self._revision.items()

    def samples(self, agent: str) -> Iterator[Sample]:
        """An agent's samples; those never shown before at 0."""
        for series in sorted(self._by_agent[agent]):
            if self._announced is None or series in self._announced:
                yield from series_samples(series, self._totals[series])
            else:
                self._announced.add(series)
                self._touch(series)
                yield from series_samples(series, zero_sums(BY_NAME[series[0]]))

    def _touch(self, series: Series) -> None:
        agent = series[1]
        self._by_agent.setdefault(agent, {})[series] = None
        self._revision[agent] = self._revision.get(agent, 0) + 1

    def _over_limit(self, series: Series, changed: Mapping[Series, Sequence[float]]) -> bool:
        if series[0] != TOKENS.name or series in self._totals or series in changed:
            return False
        models = {other for other in (*self._by_agent.get(series[1], ()), *changed) if other[:2] == series[:2]}
        return len(models) >= MAX_MODELS

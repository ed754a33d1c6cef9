"""An area's output: rendered text by key, kept from pass to pass, so that a pass renders only what changed."""

from collections.abc import Callable, Collection, Hashable, Iterable

from nervesys.errors import BadObject, Reason
from nervesys.metrics import Family, Fragments, MetricsSnapshot, Sample

SERIES_LIMIT = 1_000_000
"""Series of one exporter; beyond it nothing new is shown, so that neither it nor Prometheus runs out of memory."""
REJECTED_LIMIT = 10_000
"""Rejected objects that are remembered; beyond it all are forgotten, and may be counted a second time."""


class SeriesBudget:
    """The series that the areas of one exporter share; more than a `sample_limit`, for it keeps what is shown.

    Args:
        limit: of series.
    """

    def __init__(self, limit: int = SERIES_LIMIT) -> None:
        self._limit = limit
        self._used: dict[int, int] = {}

    def use(self, area: int, series: int) -> None:
        """Record how many series an area has."""
        self._used[area] = series

    @property
    def used_up(self) -> bool:
        """Whether there is no room for another object."""
        return sum(list(self._used.values())) >= self._limit


class Refresh:
    """The output of one area.

    Args:
        families: those of the area.
        on_rejected: called for every rejected object.
        budget: of series, shared with other areas.

    Attributes:
        backlog: number of objects that are known and not yet read; set by the area.
        serve_on_failure: whether what was put is served although the pass failed; set by the area, for one pass.
        continues: whether the next pass follows at once, for this one ended early to be served; set by the area, for
            one pass.
        complete: whether a series that is missing means that the thing itself is missing; set by the area, where a
            first look takes several passes. Passes before that begin no unbroken run.
    """

    def __init__(
        self,
        families: Iterable[Family],
        on_rejected: Callable[[str, BadObject], None],
        budget: SeriesBudget | None = None,
    ) -> None:
        self._fragments = Fragments(families)
        self._budget = budget or SeriesBudget()
        self._stamps: dict[str, Hashable] = {}
        self._on_rejected = on_rejected
        self._rejected_versions: dict[str, Hashable] = {}
        self.backlog = 0
        self.serve_on_failure = False
        self.continues = False
        self.complete = True

    def put(self, key: str, stamp: Hashable, samples: Iterable[Sample]) -> None:
        """Replace the samples of a key.

        Args:
            key: whatever the samples are about: an object's key, a server, `clock`.
            stamp: everything that the samples were made from; while it stays the same, nothing is rendered.
            samples: not even looped over while the stamp stays the same, so a generator costs nothing then.
        """
        if key in self._stamps and self._stamps[key] == stamp:
            return
        if key not in self._stamps and self._budget.used_up:
            self.reject(key, "", BadObject(Reason.LABEL_LIMIT, "not shown: the exporter has too many series"))
            return
        self._stamps[key] = stamp
        for series in self._fragments.put(key, samples):
            self.reject(key, (stamp, series), BadObject(Reason.DUPLICATE_SERIES, series))
        self._budget.use(id(self), self._fragments.series)

    def keep_only(self, keys: Collection[str]) -> None:
        """Forget every other key. Called before `put`, so that a series may pass from one key to another."""
        for key in self._stamps.keys() - keys:
            del self._stamps[key]
            self._fragments.drop(key)
        self._budget.use(id(self), self._fragments.series)

    def reject(self, key: str, version: Hashable, bad: BadObject) -> None:
        """Count an object by reason and name it in one log line, once for each version of it."""
        if self._rejected_versions.get(key) == (version, bad.reason):
            return
        if len(self._rejected_versions) >= REJECTED_LIMIT:
            self._rejected_versions.clear()  # bounds memory; some may be counted a second time
        self._rejected_versions[key] = (version, bad.reason)
        self._on_rejected(key, bad)

    def snapshot(self) -> MetricsSnapshot:
        """Everything put, as rendered text."""
        return self._fragments.snapshot()

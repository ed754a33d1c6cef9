"""Collects what a pass is going to put, so that keys that are gone are dropped before the others are put."""

from collections.abc import Hashable, Iterable, Iterator

from exporters.runner import Refresh
from nervesys.errors import BadObject
from nervesys.metrics import Sample


class OutputPlan:
    """The keys of a pass, each with a stamp, and samples that are generated only where the stamp changed.

    Args:
        out: where it goes.
    """

    def __init__(self, out: Refresh) -> None:
        self._out = out
        self._planned: dict[str, tuple[Hashable, Iterable[Sample]]] = {}
        self.reject = out.reject

    def add(self, key: str, stamp: Hashable, samples: Iterable[Sample]) -> None:
        """Plan a key; where its samples raise `BadObject`, those generated before are kept, and the key is rejected."""
        self._planned[key] = stamp, self._good(key, stamp, samples)

    def apply(self) -> None:
        """Drop the keys that are not planned, and put those that are."""
        self._out.keep_only(self._planned.keys())
        for key, (stamp, samples) in self._planned.items():
            self._out.put(key, stamp, samples)

    def _good(self, key: str, stamp: Hashable, samples: Iterable[Sample]) -> Iterator[Sample]:
        try:
            yield from samples
        except BadObject as bad:
            self.reject(key, stamp, bad)

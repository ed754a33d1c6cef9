"""Which label values of a key were seen first: those keep series of their own, all later ones count as `other`.

By alphabet, a new value would push an old one into `other`: both counters would jump, and alerts on them would fire.
"""

import json
from collections.abc import Collection, Iterable, Sequence

from exporters.runner import Cache


class FirstSeen:
    """The first values of each key, remembered across restarts.

    Args:
        cache: where they are remembered.
        area: names them in the cache; no area of objects has this name.
        limit: most values of one key.
    """

    def __init__(self, cache: Cache, area: str, limit: int) -> None:
        self._cache = cache
        self._area = area
        self._limit = limit
        self._values: dict[str, tuple[str, ...]] = {
            key: tuple(json.loads(values or b"[]")) for key, _, values in cache.bodies(area)
        }

    def observe(self, key: str, values: Iterable[str]) -> Sequence[str]:
        """The values of a key that were seen first, after these; of values that come together, by alphabet."""
        known = self._values.get(key, ())
        if len(known) < self._limit and (new := sorted(set(values).difference(known))):
            known = self._values[key] = (*known, *new)[: self._limit]
            self._cache.keep_bodies(self._area, [(key, "", json.dumps(known).encode())])
        return known

    def keep_only(self, keys: Collection[str]) -> None:
        """Forget all other keys."""
        if gone := self._values.keys() - keys:
            self._cache.keep_bodies(self._area, (), gone)
            for key in gone:
                del self._values[key]

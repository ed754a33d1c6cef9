"""Bounds how many names that nothing configures get series: whoever can write an object can invent any number."""

from collections.abc import Iterable

UNCONFIGURED_LIMIT = 1000
"""Agents, and likewise entities, that no configuration names and that get series of their own."""


class NameAdmission:
    """Admits a bounded number of names; those admitted first stay.

    Args:
        limit: of names.
        admitted: from an earlier start.
    """

    def __init__(self, limit: int = UNCONFIGURED_LIMIT, admitted: Iterable[str] = ()) -> None:
        self._limit = limit
        self._admitted = dict.fromkeys(admitted)

    def admit(self, names: Iterable[str]) -> set[str]:
        """Those of the names that are admitted: the ones admitted before, and new ones while there is room."""
        wanted = dict.fromkeys(names)
        self._admitted = {name: None for name in self._admitted if name in wanted}
        for name in wanted:
            if len(self._admitted) >= self._limit:
                break
            self._admitted[name] = None
        return set(self._admitted)

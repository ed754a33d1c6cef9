"""When each agent last shipped logs, as the objects in the store show it, whatever was counted."""

from collections.abc import Iterator

from exporters.runner import Cache
from exporters.shared.records import ORIGIN
from nervesys.metrics import ConditionTerm, Family, Period, Sample

AREA = "log-newest"
"""Names the instants in the cache; no area of objects has this name."""
LAST_SHIPPED = Family(
    "log_last_shipped_timestamp_seconds",
    "gauge",
    "Time of the newest log object of the agent, by the store's clock.",
    ("agent",),
    period=Period.SHIP,
    conditions=(
        ConditionTerm(
            word="logs", kind="quiet", labels=("agent",), origin=ORIGIN, threshold=lambda t: t.logs_late_seconds
        ),
    ),
)


class NewestLogs:
    """The newest log object of each agent, remembered across restarts.

    Args:
        cache: where the instants are remembered.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._newest = {agent: float(body or b"0") for agent, _, body in cache.bodies(AREA)}
        self._saved = dict(self._newest)

    def observe(self, agent: str, modified: float) -> None:
        """Record an object of an agent; empty for an object whose agents only its records name, and that is not read.

        Args:
            agent: its name.
            modified: LastModified in Unix seconds.
        """
        self._newest[agent] = max(modified, self._newest.get(agent, modified))

    def of(self, agent: str) -> float | None:
        """The instant of an agent in Unix seconds; None if no object of it is known."""
        return max(filter(None, (self._newest.get(agent), self._newest.get(""))), default=None)

    def samples(self, agent: str) -> Iterator[Sample]:
        """The sample of an agent, if an object of it is known."""
        at = self.of(agent)
        if at is not None:
            yield LAST_SHIPPED.sample(at, agent)

    def save(self) -> None:
        """Remember what changed."""
        changed = {agent: at for agent, at in self._newest.items() if self._saved.get(agent) != at}
        if changed:
            self._cache.keep_bodies(AREA, ((agent, "", repr(at).encode()) for agent, at in changed.items()))
            self._saved.update(changed)

    def keep_only(self, agents: set[str]) -> None:
        """Forget all other agents."""
        gone = self._newest.keys() - agents - {""}
        for agent in gone:
            del self._newest[agent]
            self._saved.pop(agent, None)
        if gone:
            self._cache.keep_bodies(AREA, (), gone)

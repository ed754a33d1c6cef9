"""What a fleet that had run for days would have left: made up where it is missing, for a stack to look at."""

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from pydantic_core import to_json

from nervesys.agent.demo import jobs
from nervesys.agent.replication.backup import packed
from nervesys.agent.round.summary import summary_of
from nervesys.contract import Category, DailySummary, Level, PathTemplate, format_time
from nervesys.contract.brain import DAILY_SUMMARY
from nervesys.contract.paths import time_fields
from nervesys.contract.times import DAY_SECONDS
from nervesys.settings import AgentConfig, Settings, Tree
from nervesys.stores.archive import Archive, files_of
from nervesys.stores.brain import GitBrain, unless_there

ARCHIVED_DAYS = 7
"""Of logs in the archive, next to those that the store still keeps."""
SUMMARY_DAYS = 7
JOBS_A_DAY = 40
"""Of each agent, in the archive: enough to look at, small enough to make at once."""


@dataclass(frozen=True)
class Past:
    """The days before now.

    Attributes:
        settings: name the paths and for how long the store keeps logs.
        agents: that worked.
        server: on which they did.
        now: Unix seconds.
    """

    settings: Settings
    agents: Sequence[AgentConfig]
    server: str
    now: float

    def lay_archive(self, archive: Archive, tree: Tree) -> None:
        """Put older logs and yesterday's full backup into the archive.

        Raises:
            ArchiveUnavailable: they could not be put there.
        """
        there = {file.path for file in files_of(archive)}
        for path, body in self._archived(tree):
            if path not in there:
                archive.put(path, body)

    def lay_summaries(self, brain: GitBrain) -> None:
        """Push the last days' summaries to the brain.

        Raises:
            BrainUnavailable: they could not be pushed.
        """
        days = map(self._summary, self._days(1, SUMMARY_DAYS))
        changes = {DAILY_SUMMARY.build(date=day.date): unless_there(day.body() + b"\n") for day in days}
        brain.commit(changes, "Make up the days before the first", "demo")

    def _archived(self, tree: Tree) -> Iterator[tuple[str, bytes]]:
        paths = self.settings.storage.archive.paths
        yield _path(paths.backups, self.now - DAY_SECONDS), packed(tree)
        first = self.settings.storage.retention.active_logs or 0
        for day in self._days(first, ARCHIVED_DAYS):
            for category in (Category.SYSTEM, Category.ACTIVITY, Category.ERRORS, Category.AUDIT):
                lines = [to_json(record) + b"\n" for record in self._records(day) if record["category"] == category]
                path = _path(paths.logs, day, server=self.server, category=category)
                yield path, gzip.compress(b"".join(lines), mtime=0)

    def _days(self, first: int, count: int) -> Iterator[float]:
        """That many midnights, UTC; the newest lies `first` days before today's."""
        today = self.now - self.now % DAY_SECONDS
        return (today - ago * DAY_SECONDS for ago in range(first, first + count))

    def _records(self, day: float) -> Iterator[dict[str, object]]:
        for agent in self.agents:
            yield _record(day, agent.name, Category.SYSTEM, "start", "agent starts")
            yield _record(day + 1, agent.name, Category.AUDIT, "read_config", "read its configuration")
            at = day
            for job in islice(jobs(f"{agent.name} {day:.0f}"), JOBS_A_DAY):
                at += DAY_SECONDS / (JOBS_A_DAY + 1)
                yield _record(
                    at,
                    agent.name,
                    Category.ERRORS if job.error else Category.ACTIVITY,
                    job.action,
                    f"{job.action} {'failed: ' + job.error if job.error else 'done'}",
                    context={"repository": job.repository, "duration_ms": round(job.seconds * 1000)},
                    metadata={"model_version": agent.model, "tokens_used": job.tokens},
                )

    def _summary(self, day: float) -> DailySummary:
        return summary_of(time_fields(day)["date"], map(to_json, self._records(day)))


def _record(at: float, agent: str, category: Category, action: str, message: str, **more: object) -> dict[str, object]:
    level = Level.ERROR if category is Category.ERRORS else Level.INFO
    said = {"timestamp": format_time(at), "agent_id": agent, "level": level, "category": category}
    return {**said, "action": action, "message": message, **more}


def _path(template: str, at: float, **fields: str) -> str:
    return PathTemplate(template).build(**time_fields(at), **fields)

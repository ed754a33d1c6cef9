"""Generated history for the demo: what a fleet that had run for days would have written, where it is missing."""

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from pydantic_core import to_json

from nervesys.agent.demo import jobs
from nervesys.agent.replication.backup import pack_configuration
from nervesys.agent.round.summary import summarise_day
from nervesys.contract import Category, DailySummary, Level, PathTemplate, format_time
from nervesys.contract.brain import DAILY_SUMMARY
from nervesys.contract.paths import time_fields
from nervesys.contract.times import DAY_SECONDS
from nervesys.settings import AgentConfig, Settings, Tree
from nervesys.stores.archive import Archive, files_of
from nervesys.stores.brain import GitBrain, create_only

ARCHIVED_DAYS = 7
"""Days of logs in the archive, before those that the store still keeps."""
SUMMARY_DAYS = 7
JOBS_A_DAY = 40
"""Of each agent in the archive: enough for the panels, small enough to generate at once."""


@dataclass(frozen=True)
class DemoHistory:
    """The days before now.

    Attributes:
        settings: paths, and for how long the store keeps logs.
        agents: whose history is generated.
        server: of all of them.
        now: Unix seconds.
    """

    settings: Settings
    agents: Sequence[AgentConfig]
    server: str
    now: float

    def write_archive(self, archive: Archive, tree: Tree) -> None:
        """Write older logs and yesterday's full backup to the archive.

        Raises:
            ArchiveUnavailable: they could not be written.
        """
        present = {file.path for file in files_of(archive)}
        for path, body in self._archived(tree):
            if path not in present:
                archive.put(path, body)

    def push_summaries(self, brain: GitBrain) -> None:
        """Push the last days' summaries to the brain.

        Raises:
            BrainUnavailable: they could not be pushed.
        """
        days = map(self._summary, self._days(1, SUMMARY_DAYS))
        changes = {DAILY_SUMMARY.build(date=day.date): create_only(day.body() + b"\n") for day in days}
        brain.commit(changes, "Add generated daily summaries", "demo")

    def _archived(self, tree: Tree) -> Iterator[tuple[str, bytes]]:
        paths = self.settings.storage.archive.paths
        yield _build_path(paths.backups, self.now - DAY_SECONDS), pack_configuration(tree)
        first = self.settings.storage.retention.active_logs or 0
        for day in self._days(first, ARCHIVED_DAYS):
            for category in (Category.SYSTEM, Category.ACTIVITY, Category.ERRORS, Category.AUDIT):
                lines = [to_json(record) + b"\n" for record in self._records(day) if record["category"] == category]
                path = _build_path(paths.logs, day, server=self.server, category=category)
                yield path, gzip.compress(b"".join(lines), mtime=0)

    def _days(self, first: int, count: int) -> Iterator[float]:
        """`count` midnights in UTC, newest first; the newest is `first` days before today's."""
        today = self.now - self.now % DAY_SECONDS
        return (today - ago * DAY_SECONDS for ago in range(first, first + count))

    def _records(self, day: float) -> Iterator[dict[str, object]]:
        for agent in self.agents:
            yield _record(day, agent.name, Category.SYSTEM, "start", "agent starts")
            yield _record(day + 1, agent.name, Category.AUDIT, "read_config", "read its configuration")
            timestamp = day
            for job in islice(jobs(f"{agent.name} {day:.0f}"), JOBS_A_DAY):
                timestamp += DAY_SECONDS / (JOBS_A_DAY + 1)
                yield _record(
                    timestamp,
                    agent.name,
                    Category.ERRORS if job.error else Category.ACTIVITY,
                    job.action,
                    f"{job.action} {'failed: ' + job.error if job.error else 'done'}",
                    context={"repository": job.repository, "duration_ms": round(job.seconds * 1000)},
                    metadata={"model_version": agent.model, "tokens_used": job.tokens},
                )

    def _summary(self, day: float) -> DailySummary:
        return summarise_day(time_fields(day)["date"], map(to_json, self._records(day)))


def _record(
    timestamp: float, agent: str, category: Category, action: str, message: str, **more: object
) -> dict[str, object]:
    level = Level.ERROR if category is Category.ERRORS else Level.INFO
    fields = {"timestamp": format_time(timestamp), "agent_id": agent, "level": level, "category": category}
    return {**fields, "action": action, "message": message, **more}


def _build_path(template: str, timestamp: float, **fields: str) -> str:
    return PathTemplate(template).build(**time_fields(timestamp), **fields)

"""Generated history for the demo: what a fleet that had run for days would have written, where it is missing."""

import gzip
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice

from pydantic_core import to_json

from nervesys.agent.backup.full import FullBackup
from nervesys.agent.backup.items import BackupContents
from nervesys.agent.demo import DemoJob, jobs
from nervesys.agent.round.summary import summarise_day
from nervesys.contract import Category, DailySummary, Level, PathTemplate, format_time
from nervesys.contract.brain import DAILY_SUMMARY
from nervesys.contract.paths import time_fields
from nervesys.contract.times import DAY_SECONDS, utc
from nervesys.settings import AgentConfig, Settings, Tree
from nervesys.stores.archive import Archive, files_of
from nervesys.stores.archive_layout import keep_days
from nervesys.stores.brain import GitBrain, create_only

DAYS = 90
"""As far as Historical Trends looks back; up to yesterday."""
JOBS_A_DAY = 40
"""Of each agent on the last workday: enough for the panels, small enough to generate at once."""
WEEKEND, WEEKEND_SHARE = (5, 6), 0.5
"""Days on which agents have less work, and its share of a workday's."""
FIRST_SHARE = 0.6
"""Work of the first day, as a share of the last one's: the fleet is used more and more."""
CATEGORIES = (Category.SYSTEM, Category.ACTIVITY, Category.ERRORS, Category.AUDIT)


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

    def is_written(self, archive: Archive) -> bool:
        """Whether an archive has history, made up or real: its backup is written last.

        Raises:
            ArchiveUnavailable: it cannot be listed.
        """
        backup = PathTemplate(self.settings.storage.archive.paths.backups)
        return any(backup.parse(file.path) for file in files_of(archive))

    def write_archive(self, archive: Archive, tree: Tree) -> None:
        """Write the logs of all days, and then yesterday's full backup, of the configuration; what is there stays.

        Raises:
            ArchiveUnavailable: they could not be written.
        """
        present = {file.path for file in files_of(archive)}
        for path, body in self._logs():
            if path not in present:
                archive.put(path, body)
        yesterday, nothing = self.now - DAY_SECONDS, BackupContents(())
        FullBackup(archive, self.settings.storage, tree, nothing, lambda: yesterday, self.server).run(lambda _: None)

    def remove_overdue(self, archive: Archive) -> None:
        """Remove the generated logs that a daily round would have deleted by now.

        Raises:
            ArchiveUnavailable: they could not be removed.
        """
        storage = self.settings.storage
        for age, day in enumerate(self.days(), 1):
            for category in CATEGORIES:
                keep = keep_days(storage.retention, "logs", category)
                if keep is not None and age > keep:
                    archive.delete(_build_path(storage.archive.paths.logs, day, server=self.server, category=category))

    def push_summaries(self, brain: GitBrain) -> None:
        """Push the summaries of all days to the brain.

        Raises:
            BrainUnavailable: they could not be pushed.
        """
        days = map(self._summary, self.days())
        changes = {DAILY_SUMMARY.build(date=day.date): create_only(day.body() + b"\n") for day in days}
        brain.commit(changes, "Add generated daily summaries", "demo")

    def days(self) -> Iterator[float]:
        """The midnights at which the days begin, in UTC, newest first."""
        today = self.now - self.now % DAY_SECONDS
        return (today - ago * DAY_SECONDS for ago in range(1, DAYS + 1))

    def jobs(self, agent: str, day: float) -> Iterator[tuple[float, DemoJob]]:
        """The jobs of an agent on a day, each with the Unix seconds at which it ended."""
        number, names = self._jobs_a_day(day), [each.name for each in self.agents]
        earlier = names.index(agent) / len(names)  # so that the agents do not all end their jobs at the same instants
        for place, job in enumerate(islice(jobs(f"{agent} {day:.0f}"), number), 1):
            yield day + (place - earlier) * DAY_SECONDS / (number + 1), job

    def jobs_between(self, start: float, end: float) -> Iterator[tuple[float, str, DemoJob]]:
        """The jobs of all agents that ended in a span of time, today's too: the instant, the agent, the job.

        Args:
            start: Unix seconds, a midnight.
            end: Unix seconds.
        """
        for agent in self.agents:
            for day in count(start, DAY_SECONDS):
                if day >= end:
                    break
                yield from ((at, agent.name, job) for at, job in self.jobs(agent.name, day) if at < end)

    def _jobs_a_day(self, day: float) -> int:
        age = min(1, (self.now - day) / (DAYS * DAY_SECONDS))
        share = WEEKEND_SHARE if utc(day).weekday() in WEEKEND else 1
        return round(JOBS_A_DAY * share * (1 - age * (1 - FIRST_SHARE)))

    def _logs(self) -> Iterator[tuple[str, bytes]]:
        template = self.settings.storage.archive.paths.logs
        for day in self.days():
            lines: defaultdict[object, list[bytes]] = defaultdict(list)
            for record in self._records(day):
                lines[record["category"]].append(to_json(record) + b"\n")
            for category in CATEGORIES:
                path = _build_path(template, day, server=self.server, category=category)
                yield path, gzip.compress(b"".join(lines[category]), compresslevel=1, mtime=0)

    def _records(self, day: float) -> Iterator[dict[str, object]]:
        for agent in self.agents:
            yield _record(day, agent.name, Category.SYSTEM, "start", "agent starts")
            yield _record(day + 1, agent.name, Category.AUDIT, "read_config", "read its configuration")
            for timestamp, job in self.jobs(agent.name, day):
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

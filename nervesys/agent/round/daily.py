"""All steps of a day's round: logs and retention, shared knowledge, the full backup, yesterday's summary.

If the settings enable it, also a restore drill of that backup, every so many days.
"""

import logging
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from nervesys.agent.backup.collect import BackupPlace, backup_place
from nervesys.agent.backup.drill import Drill, is_due, read_last_drill, record_drill
from nervesys.agent.identity import Identity
from nervesys.agent.replication.backup import Backup
from nervesys.agent.round.backups import RoundBackups
from nervesys.agent.round.day_description import DayDescriber, describe_nothing, open_describer
from nervesys.agent.round.documents import Documents
from nervesys.agent.round.error_causes import ErrorCauses
from nervesys.agent.round.error_learning import ErrorLearning
from nervesys.agent.round.knowledge import KnowledgeMerge
from nervesys.agent.round.leader import Leader, NotLeader
from nervesys.agent.round.log_summary import LogSummarizer, open_summarizer, summarize_nothing
from nervesys.agent.round.run import Round
from nervesys.agent.round.secrets import rotate_secrets
from nervesys.agent.round.summary import summarise_day
from nervesys.clock import Clock
from nervesys.contract import PathTemplate
from nervesys.contract.brain import DAILY_SUMMARY
from nervesys.contract.paths import time_fields
from nervesys.contract.times import DAY_SECONDS
from nervesys.errors import BadObject, NervesysError
from nervesys.plural import count
from nervesys.settings import FolderTree, StartupSettings, Tree
from nervesys.stores.archive import files_of, put_verified
from nervesys.stores.brain import GitBrain, create_only
from nervesys.stores.lines import lines_of
from nervesys.stores.objects import ObjectStore
from nervesys.stores.open_archive import open_archive

LOG_SUMMARY = "logs/{day}_summary.md"
"""Below the documents of the archive."""

Reports = Callable[[Callable[[str], None]], None]
"""Makes the reports that are due, and prints each step; raises `NervesysError` if one cannot be made."""

log = logging.getLogger(__name__)


def no_reports(_progress: Callable[[str], None]) -> None:
    """Makes no reports."""


@dataclass(frozen=True)
class DailyRound:
    """A day's round.

    Attributes:
        round: logs and retention.
        tree: the brain's configuration.
        leader: ensures that one program of the fleet runs the round; None if the brain is a plain folder, which has
            neither a lease nor summaries.
        reports: makes those of yesterday, of the last week and month.
        words: has a language model describe yesterday.
        log_words: has a language model summarize yesterday's logs, for the archive.
        place: what this host can back up; None for the store alone.
    """

    round: Round
    tree: Tree
    leader: Leader | None
    reports: Reports = no_reports
    words: DayDescriber = describe_nothing
    log_words: LogSummarizer = summarize_nothing
    place: BackupPlace | None = None

    def run(self, progress: Callable[[str], None], *, again: bool = False) -> list[str]:
        """Run all steps; steps that are done already are skipped.

        Args:
            progress: takes each step, as a line of text.
            again: also run if today's round is done.

        Returns:
            Problems that need an operator.

        Raises:
            NotLeader: another program holds the lease, or today's round is done.
            NervesysError: store, archive or brain do not answer, or a report cannot be made; the next run continues.
        """
        if self.leader is None:
            return self._steps(progress)
        day = self.leader.take(again=again)
        with self.leader.renewing() as lost:

            def checked(step: str) -> None:
                progress(step)
                if lost.is_set():
                    raise NotLeader("the lease was lost; another program runs the round")

            problems = self._steps(checked)
        self.leader.done(day)
        return problems

    def _steps(self, progress: Callable[[str], None]) -> list[str]:
        errors = None
        if self.leader:
            errors = self._error_learning(self.leader)
            self._summarise(self.leader, errors, progress)
            self._summarize_logs(progress)
        report_error = self._report(progress)  # before retention deletes the first day of a monthly report
        self._keep_configuration()
        problems = self._merge_knowledge(errors, progress)
        problems += self.documents.run(progress) + self.backups.make(progress)
        plan, kept = self.backups.keep_old(self.round.plan())
        problems += kept + self.round.carry_out(plan, progress)
        self.backups.delete_packs(progress)
        problems += self._drill(self.leader, progress) if self.leader else []
        if report_error:
            raise NervesysError("\n".join([*problems, f"reports are still due: {report_error}"]))
        return problems

    def _report(self, progress: Callable[[str], None]) -> NervesysError | None:
        """Make the reports; returns an error, which fails the round only after all other steps."""
        try:
            self.reports(progress)
        except NervesysError as err:
            return err
        return None

    def _keep_configuration(self) -> None:
        """Back up today's configuration to the store; agents do it too, if their credentials permit it."""
        self.configuration_backup().keep()

    def configuration_backup(self) -> Backup:
        """The backup of today's configuration in the store."""
        storage = self.round.storage
        template = PathTemplate(storage.storj.paths.config_backups)
        recipients = storage.encryption.recipients
        return Backup(self.round.store, template, self.tree, self.round.clock, lambda: recipients)

    @property
    def backups(self) -> RoundBackups:
        """The steps about full backups."""
        by = self.leader.me if self.leader else socket.gethostname()
        return RoundBackups(self.round, self.tree, self.place, by)

    @property
    def documents(self) -> Documents:
        """The copies of documents."""
        own = self.tree if isinstance(self.tree, FolderTree) else None
        return Documents(self.round, self.leader.brain.tree(self.leader.brain.branch) if self.leader else own)

    def due_summary(self, leader: Leader) -> str | None:
        """The day whose summary is due, which is yesterday; None if the brain has it, as last fetched."""
        day = time_fields(self.round.clock() - DAY_SECONDS)["date"]
        tree = leader.brain.tree(leader.brain.state_branch)
        return None if tree is not None and tree.has_file(DAILY_SUMMARY.build(date=day)) else day

    def due_log_summary(self) -> str | None:
        """The path of the summary of yesterday's logs in the archive; None if it exists, or no model is used for it."""
        if self.log_words is summarize_nothing:
            return None
        folder = PathTemplate(self.round.storage.archive.paths.documents).prefix()
        path = f"{folder}{LOG_SUMMARY.format(day=time_fields(self.round.clock() - DAY_SECONDS)['date'])}"
        return None if any(file.path == path for file in files_of(self.round.archive)) else path

    def is_drill_due(self, leader: Leader) -> bool:
        """Whether the settings ask for a restore drill, and the last one is that long ago."""
        days = self.round.storage.round.drill_days
        return days is not None and is_due(read_last_drill(leader.brain), days, self.round.clock())

    def _error_learning(self, leader: Leader) -> ErrorLearning:
        storage = self.round.storage
        day = time_fields(self.round.clock() - DAY_SECONDS)["date"]
        causes, recipients = ErrorCauses(leader.brain), storage.encryption.shared_recipients
        return ErrorLearning(self.round.store, storage.storj.paths, causes, recipients, day)

    def _merge_knowledge(self, errors: ErrorLearning | None, progress: Callable[[str], None]) -> list[str]:
        """Merge the agents' knowledge and errors that recur into one object, before the backup that contains it."""
        storage = self.round.storage
        merge = KnowledgeMerge(self.round.store, storage.storj.paths, storage.encryption.shared_recipients)
        if errors:
            try:
                merge.learned = errors.run(self._read_day(errors.date, progress), self.round.clock())
            except BadObject as bad:
                merge.problems.append(f"nothing was learned from errors: {bad}")
        try:
            if values := merge.run():
                progress(f"merged the agents' knowledge: {count(values, 'value')}")
        except BadObject as bad:
            merge.problems.append(f"the knowledge base was not updated: {bad}")
        return merge.problems

    def _drill(self, leader: Leader, progress: Callable[[str], None]) -> list[str]:
        """Run a restore drill of the newest backup, if one is due."""
        if not self.is_drill_due(leader):
            return []
        drill = Drill(self.round.archive, self.round.storage, self.round.clock, time.monotonic, leader.me)
        with TemporaryDirectory(prefix="nervesys-drill-") as folder:
            outcome = drill.run(Path(folder), progress)
        record_drill(leader.brain, outcome)
        return [] if outcome.succeeded else [f"the restore drill failed: {outcome.detail}"]

    def _summarise(self, leader: Leader, errors: ErrorLearning, progress: Callable[[str], None]) -> None:
        """Push yesterday's summary, if it does not exist; a log that cannot be read is left out and reported."""
        if (day := self.due_summary(leader)) is None:
            return
        path = DAILY_SUMMARY.build(date=day)
        summary = summarise_day(day, errors.watch(self._read_day(day, progress)))
        summary = summary.model_copy(update={"analysis": self.words(summary, progress)})
        leader.brain.commit({path: create_only(summary.body() + b"\n")}, f"Summary of {day}", leader.me)
        progress(f"pushed the summary of {day} to the brain")

    def _summarize_logs(self, progress: Callable[[str], None]) -> None:
        """Write a summary of yesterday's logs to the archive, if a model is used for it and it is not there."""
        if (path := self.due_log_summary()) is None:
            return
        day = time_fields(self.round.clock() - DAY_SECONDS)["date"]
        document = self.log_words(day, self._read_day(day, progress), progress)
        if document is not None:
            put_verified(self.round.archive, path, BytesIO(document))
            progress(f"wrote {path} to the archive")

    def _read_day(self, day: str, progress: Callable[[str], None]) -> Iterator[bytes]:
        template = PathTemplate(self.round.storage.storj.paths.active_logs)
        for info in self.round.store.list(template.prefix()).objects:
            if (template.parse(info.key) or {}).get("date") != day:
                continue
            try:
                with self.round.store.open(info.key) as stream:
                    yield from lines_of(stream, info.key)
            except BadObject as bad:
                progress(f"not in the summary: {bad}")


@dataclass(frozen=True)
class RoundSchedule:
    """Runs the fleet's daily round within an agent.

    Attributes:
        me: the agent; it keeps its lease over a restart.
        tree: the brain's configuration.
        brain: holds the lease.
        store: holds the logs.
        clock: gives the current day.
        reports: see `DailyRound`.
        place: home and brain of this host, for the full backup.
    """

    me: Identity
    tree: Tree
    brain: GitBrain
    store: ObjectStore
    clock: Clock
    reports: Reports = no_reports
    place: StartupSettings | None = None

    def keep(self) -> None:
        """Run today's round, unless it is done or another program holds the lease.

        Raises:
            NervesysError: store, archive or brain do not answer, or the archive's settings are wrong.
        """
        storage = self.me.settings.storage
        for problem in rotate_secrets(self.me.folder.parent.parent, storage, self.clock, log.info):
            log.error("secrets: %s", problem)
        today = Round(self.store, open_archive(storage.archive, writable=True), storage, self.clock)
        leader = Leader(self.brain, f"{self.me.name}@{self.me.server}", self.clock)
        cloud, memory = self.me.settings.alibaba.alibaba_cloud, self.me.folder / "analysis.sqlite3"
        words, log_words = open_describer(cloud, memory, self.clock), open_summarizer(cloud, memory, self.clock)
        try:
            place = backup_place(self.place, storage, self.store) if self.place else None
            daily = DailyRound(today, self.tree, leader, self.reports, words, log_words, place)
            for problems in daily.run(log.info):
                log.warning("daily round: %s", problems)
        except NotLeader as reason:
            log.debug("%s", reason)

"""All that one day's round is made of: logs and retention, shared knowledge, the full backup, yesterday's summary.

Where the settings ask for it, now and then also a restore drill of that backup.
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

from nervesys.agent.identity import Identity
from nervesys.agent.replication.backup import Backup, write_backup
from nervesys.agent.replication.drill import Drill, is_due, record, recorded
from nervesys.agent.round.knowledge import Merge
from nervesys.agent.round.leader import Leader, NotLeader
from nervesys.agent.round.run import Round
from nervesys.agent.round.summary import summary_of
from nervesys.agent.round.words import Words, no_words, words_of
from nervesys.clock import Clock
from nervesys.contract import PathTemplate
from nervesys.contract.brain import DAILY_SUMMARY
from nervesys.contract.paths import time_fields
from nervesys.contract.times import DAY_SECONDS
from nervesys.errors import BadObject, NervesysError
from nervesys.settings import Tree
from nervesys.settings.storage import Storage
from nervesys.stores.archive import files_of, put_verified
from nervesys.stores.archives import open_archive
from nervesys.stores.brain import GitBrain, unless_there
from nervesys.stores.lines import lines_of
from nervesys.stores.objects import ObjectStore
from nervesys.stores.sealing import both_forms, name_for, sealed

BACKED_UP = ("shared", "knowledge", "databases")
"""Areas of the store that a full backup holds; logs are in the archive anyway, and all else is made anew."""

Reports = Callable[[Callable[[str], None]], None]
"""Makes the reports that are due, and tells each step; raises `NervesysError` where one cannot be made."""

log = logging.getLogger(__name__)


def no_reports(_say: Callable[[str], None]) -> None:
    """For who makes none."""


@dataclass(frozen=True)
class Daily:
    """A day's round.

    Attributes:
        round: logs and retention.
        tree: the brain's configuration.
        leader: sees to it that the fleet does one round; None where the brain is a plain folder, which knows no leader
            and takes no summary.
        reports: makes those of yesterday, of the last week and month.
        words: what a language model makes of yesterday.
    """

    round: Round
    tree: Tree
    leader: Leader | None
    reports: Reports = no_reports
    words: Words = no_words

    def run(self, say: Callable[[str], None], *, again: bool = False) -> list[str]:
        """Do all of it; what is done already is passed over.

        Args:
            say: takes each step.
            again: also where today's round is done.

        Returns:
            What could not be done and needs people.

        Raises:
            NotLeader: another one leads, or today's round is done.
            NervesysError: a pillar does not answer, or a report cannot be made; the next run goes on from here.
        """
        if self.leader:
            self.leader.take(again=again)
            self._summarise(self.leader, say)
        unreported = self._report(say)  # before retention: the first day of a month is about to go
        self._keep_configuration()
        trouble = self._merge_knowledge(say) + self._back_up(say)
        trouble += self.round.carry_out(self.round.plan(), say)
        trouble += self._drill(self.leader, say) if self.leader else []
        if unreported:
            raise NervesysError("\n".join([*trouble, f"reports are still due: {unreported}"]))
        if self.leader:
            self.leader.done()
        return trouble

    def _report(self, say: Callable[[str], None]) -> NervesysError | None:
        """Make the reports; why one could not be made holds up nothing but the end of the round."""
        try:
            self.reports(say)
        except NervesysError as err:
            return err
        return None

    def _keep_configuration(self) -> None:
        """Today's configuration, in the store; agents do so too, where their rights reach that far."""
        storage = self.round.storage
        template = PathTemplate(storage.storj.paths.config_backups)
        recipients = storage.encryption.recipients
        Backup(self.round.store, template, self.tree, self.round.clock, lambda: recipients).keep()

    def _merge_knowledge(self, say: Callable[[str], None]) -> list[str]:
        """What the agents learned, into one object; before the backup, which holds it."""
        merge = Merge(self.round.store, self.round.storage.storj.paths)
        try:
            if known := merge.run():
                say(f"merged what the agents learned: {known} values")
        except BadObject as bad:
            merge.trouble.append(f"nothing is merged into the knowledge base: {bad}")
        return merge.trouble

    def _back_up(self, say: Callable[[str], None]) -> list[str]:
        """Today's full backup, unless it is there; before anything is deleted."""
        path = PathTemplate(self.round.storage.archive.paths.backups).build(**time_fields(self.round.clock()))
        if any(file.path in both_forms(path) for file in files_of(self.round.archive)):
            return []
        recipients = self.round.storage.encryption.recipients
        path = name_for(path, recipients)
        areas = [getattr(self.round.storage.storj.paths, area) for area in BACKED_UP]
        try:
            with TemporaryFile() as body:
                write_backup(body, self.tree, self.round.store, [PathTemplate(area) for area in areas])
                with sealed(body, recipients) as whole:
                    put_verified(self.round.archive, path, whole)
        except BadObject as bad:
            return [f"no full backup: {bad}"]
        say(f"backed up to {path}")
        return []

    def _drill(self, leader: Leader, say: Callable[[str], None]) -> list[str]:
        """Try whether the newest backup can be brought back, where that is due."""
        days, now = self.round.storage.round.drill_days, self.round.clock()
        if days is None or not is_due(recorded(leader.brain), days, now):
            return []
        drill = Drill(self.round.archive, self.round.storage, self.round.clock, time.monotonic, leader.me)
        with TemporaryDirectory(prefix="nervesys-drill-") as folder:
            went = drill.run(Path(folder), say)
        record(leader.brain, went)
        return [] if went.succeeded else [f"the restore drill failed: {went.detail}"]

    def _summarise(self, leader: Leader, say: Callable[[str], None]) -> None:
        """Yesterday's summary, unless it is there; a log that cannot be read is left out of it, and said."""
        day = time_fields(self.round.clock() - DAY_SECONDS)["date"]
        path = DAILY_SUMMARY.build(date=day)
        tree = leader.brain.tree(leader.brain.state_branch)
        if tree is not None and tree.read(path) is not None:
            return
        summary = summary_of(day, self._lines(day, say))
        summary = summary.model_copy(update={"analysis": self.words(summary, say)})
        leader.brain.commit({path: unless_there(summary.body() + b"\n")}, f"Summary of {day}", leader.me)
        say(f"summed up {day} in the brain")

    def _lines(self, day: str, say: Callable[[str], None]) -> Iterator[bytes]:
        template = PathTemplate(self.round.storage.storj.paths.active_logs)
        for info in self.round.store.list(template.prefix()).objects:
            if (template.parse(info.key) or {}).get("date") != day:
                continue
            try:
                with self.round.store.open(info.key) as stream:
                    yield from lines_of(stream, info.key)
            except BadObject as bad:
                say(f"left out of the summary: {bad}")


@dataclass(frozen=True)
class Schedule:
    """What an agent does for its fleet's round, time and again.

    Attributes:
        me: who leads, if anybody; restarted, it leads on.
        tree: the brain's configuration.
        brain: holds the lease.
        store: logs leave it.
        clock: says which day it is.
        reports: see `Daily`.
    """

    me: Identity
    tree: Tree
    brain: GitBrain
    store: ObjectStore
    clock: Clock
    reports: Reports = no_reports

    def keep(self) -> None:
        """Do today's round, unless it is done or another's.

        Raises:
            NervesysError: a pillar does not answer, or the archive is configured wrong.
        """
        storage = self.me.settings.storage
        one = Round(self.store, open_archive(storage.archive, writable=True), storage, self.clock)
        leader = Leader(self.brain, f"{self.me.name}@{self.me.server}", self.clock)
        words = words_of(self.me.settings.alibaba.alibaba_cloud, self.me.folder / "analysis.sqlite3", self.clock)
        try:
            for trouble in Daily(one, self.tree, leader, self.reports, words).run(log.info):
                log.warning("daily round: %s", trouble)
        except NotLeader as other:
            log.debug("%s", other)


def has_archive(storage: Storage) -> bool:
    """Whether the settings name an archive at all; agents without one leave the round to others."""
    return bool(storage.archive.url or storage.archive.folder_id)

"""The steps of a round about full backups: make today's, keep old ones until it is whole, delete what none needs."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from nervesys.agent.backup.collect import BackupPlace
from nervesys.agent.backup.full import FullBackup
from nervesys.agent.backup.retention import read_state, unneeded_packs
from nervesys.agent.round.plan import RoundPlan
from nervesys.agent.round.run import Round
from nervesys.audit import AUDIT, AuditAction
from nervesys.contract import PathTemplate
from nervesys.contract.paths import time_fields
from nervesys.errors import BadObject
from nervesys.plural import count
from nervesys.settings import Tree
from nervesys.stores.archive import files_of
from nervesys.stores.archive_layout import ArchiveLayout
from nervesys.stores.encryption import key_for

BACKUP_AREAS = ("backups", "backup_manifests")


@dataclass(frozen=True)
class RoundBackups:
    """Full backups of a round.

    Attributes:
        round: store, archive, settings and clock.
        tree: the brain's configuration.
        place: what this host can back up; None for the store alone.
        by: name of the program.
    """

    round: Round
    tree: Tree
    place: BackupPlace | None
    by: str

    def due(self) -> str | None:
        """The path of today's full backup in the archive; None if it has its manifest, which is written last."""
        paths, fields = self.round.storage.archive.paths, time_fields(self.round.clock())
        manifest = PathTemplate(paths.backup_manifests).build(**fields)
        if any(file.path == manifest for file in files_of(self.round.archive)):
            return None
        return key_for(PathTemplate(paths.backups).build(**fields), self.round.storage.encryption.recipients)

    def make(self, progress: Callable[[str], None]) -> list[str]:
        """Make today's full backup, if it does not exist; returns problems.

        Raises:
            NervesysError: store or archive do not respond; the next round continues.
        """
        if self.due() is None:
            return []
        storage, archive = self.round.storage, self.round.archive
        place = self.place or BackupPlace(storage, self.round.store)
        contents = place.contents()
        expected = set(contents.missing)
        backup = FullBackup(archive, storage, self.tree, contents, self.round.clock, self.by, place.cache)
        try:
            with AUDIT.watch(AuditAction.BACKUP, self.by, "full backup"):
                manifest = backup.run(progress)
        except BadObject as bad:
            return [f"no full backup: {bad}"]
        size = f"{count(manifest.files, 'file')}, {count(manifest.bytes, 'byte')}"
        progress(f"backed up to {manifest.path}: {size}, {count(manifest.new.bytes, 'byte')} of them new")
        return [
            f"the full backup does not contain {part}: {reason}"
            for part, reason in manifest.missing.items()
            if part not in expected
        ]

    def keep_old(self, plan: RoundPlan) -> tuple[RoundPlan, list[str]]:
        """Delete no backup while the newest is not complete; returns the plan, and problems of the newest."""
        storage = self.round.storage
        layout = ArchiveLayout(storage)
        overdue = [path for path in plan.overdue if layout.classify(path).area in BACKUP_AREAS]
        if not overdue or not (problems := read_state(self.round.archive, storage).problems):
            return plan, []
        rest = tuple(path for path in plan.overdue if path not in overdue)
        return replace(plan, overdue=rest), [f"no old backup is deleted: the newest is not whole: {problems[0]}"]

    def due_packs(self) -> list[str]:
        """Packs that no backup needs any more, as many as one round deletes."""
        found = unneeded_packs(self.round.archive, self.round.storage, self.round.clock())
        return found[: self.round.storage.round.delete_at_most]

    def delete_packs(self, progress: Callable[[str], None]) -> None:
        """Delete contents of deleted backups; after those, so that an interrupted round leaves no gap."""
        if packs := self.due_packs():
            for path in packs:
                self.round.archive.delete(path)
            progress(f"deleted {count(len(packs), 'pack')} of deleted backups")

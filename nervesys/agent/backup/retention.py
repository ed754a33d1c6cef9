"""Checks the backups in the archive, and deletes packs that no backup needs. Needs no identity."""

from dataclasses import dataclass, field

from nervesys.agent.backup.backup_files import BackupFiles
from nervesys.agent.backup.manifest import BackupManifest, read_manifest, read_packs
from nervesys.contract import PathTemplate
from nervesys.contract.times import DAY_SECONDS
from nervesys.errors import BadObject
from nervesys.settings.storage import Storage
from nervesys.stores.archive import Archive

GRACE_SECONDS = 7 * DAY_SECONDS
"""Age at which a pack without a manifest is deleted: a backup in progress has none yet, and the first takes days."""


@dataclass
class BackupState:
    """The newest backup in the archive.

    Attributes:
        path: of the backup; None if there is none.
        date: its day.
        manifest: None if it has none.
        problems: why it cannot be restored completely.
    """

    path: str | None = None
    date: str = ""
    manifest: BackupManifest | None = None
    problems: list[str] = field(default_factory=list)


def read_state(archive: Archive, storage: Storage, files: BackupFiles | None = None) -> BackupState:
    """Look at the newest backup: its manifest, and whether all packs are there with their sizes.

    Raises:
        ArchiveUnavailable: the archive does not respond.
    """
    files = files or BackupFiles.of(archive, storage)
    if not files.backups:
        return BackupState()
    date = max(files.backups)
    state = BackupState(files.backups[date], date)
    path = PathTemplate(storage.archive.paths.backup_manifests).build(date=date)
    if path not in files.manifests:
        state.problems.append("it has no manifest: it was interrupted, or made by an earlier release")
        return state
    try:
        state.manifest = read_manifest(archive, path)
        for pack in read_packs(archive, path):
            if pack.path not in files.packs:
                state.problems.append(f"{pack.path} is missing from the archive")
            elif files.packs[pack.path] != pack.bytes:
                state.problems.append(f"{pack.path} has {files.packs[pack.path]} bytes instead of {pack.bytes}")
    except BadObject as bad:
        state.problems.append(str(bad))
    return state


def unneeded_packs(archive: Archive, storage: Storage, now: float) -> list[str]:
    """Packs that no manifest needs, and that no backup in progress can have written.

    Empty if any backup has no manifest, or a manifest cannot be read: then nobody knows what is needed.

    Raises:
        ArchiveUnavailable: the archive does not respond.
    """
    files = BackupFiles.of(archive, storage)
    template = PathTemplate(storage.archive.paths.backup_manifests)
    if any(template.build(date=date) not in files.manifests for date in files.backups):
        return []
    needed: set[str] = set()
    try:
        for path in files.manifests:
            needed.update(pack.path for pack in read_packs(archive, path))
    except BadObject:
        return []
    return sorted(
        path for path, modified in files.modified.items() if path not in needed and now - modified > GRACE_SECONDS
    )

"""What an archive holds of full backups."""

from dataclasses import dataclass

from nervesys.contract import PathTemplate
from nervesys.settings.storage import Storage
from nervesys.stores.archive import Archive, ArchiveFile, files_of


@dataclass(frozen=True)
class BackupFiles:
    """What the archive holds of full backups.

    Attributes:
        backups: paths of backups by their day, such as `2026-01-31`.
        manifests: paths of manifests.
        packs: stored sizes of packs, by path.
        modified: when each pack was written, Unix seconds.
        all: every file of the archive.
    """

    backups: dict[str, str]
    manifests: tuple[str, ...]
    packs: dict[str, int]
    modified: dict[str, float]
    all: tuple[ArchiveFile, ...]

    @classmethod
    def of(cls, archive: Archive, storage: Storage) -> "BackupFiles":
        """List an archive.

        Raises:
            ArchiveUnavailable: it does not respond.
        """
        files = tuple(sorted(files_of(archive), key=lambda file: file.path))
        paths = storage.archive.paths
        backups, manifests, packs = map(PathTemplate, (paths.backups, paths.backup_manifests, paths.backup_packs))
        found = [(file, backups.parse(file.path)) for file in files]
        stored = [file for file in files if packs.parse(file.path)]
        return cls(
            {fields["date"]: file.path for file, fields in found if fields},
            tuple(file.path for file in files if manifests.parse(file.path)),
            {file.path: file.size for file in stored},
            {file.path: file.modified for file in stored},
            files,
        )

"""Writes a full backup to the archive.

    Backups/packs/….tar.zst            contents, each once, named by SHA-256; see `packs`
    Backups/full_backup_{date}.tar.gz  config/ of the brain; PACKS, the packs that it needs; HEADER; MODIFIED, times of
                                       the files; last SHA256SUMS, with the name of every file
    Backups/full_backup_{date}.jsonl.gz  its manifest, written last

A backup that was interrupted has no manifest, and leaves earlier ones whole; the next one stores only what is missing.
"""

import hashlib
import io
import json
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from tempfile import SpooledTemporaryFile, TemporaryFile
from typing import IO, cast

from nervesys.agent.backup.backup_files import BackupFiles
from nervesys.agent.backup.backup_run import SPOOL_BYTES, BackupRun, Progress
from nervesys.agent.backup.items import ARCHIVE_INDEX, BackupContents, BackupItem, BackupSource
from nervesys.agent.backup.known import KnownContents
from nervesys.agent.backup.manifest import BackupManifest, PartSize, read_manifest, read_packs, write_manifest
from nervesys.agent.backup.packs import Pack, PackWriter, pack_tag
from nervesys.agent.replication.backup import Packer, open_packer
from nervesys.clock import Clock
from nervesys.contract import PathTemplate
from nervesys.contract.paths import time_fields
from nervesys.errors import BadObject, NervesysError
from nervesys.file_lock import FileLock
from nervesys.settings import Tree
from nervesys.settings.storage import Storage
from nervesys.stores.archive import Archive, put_verified
from nervesys.stores.encryption import encrypted_file, key_for, key_variants

HEADER, PACKS, MODIFIED = "HEADER.json", "PACKS", "MODIFIED"
MAX_TABLE_BYTES = 256 << 20
"""Largest table of a backup, such as the list of checksums of some 2 million files; a restore keeps it in memory."""


@dataclass
class FullBackup:
    """One full backup.

    Attributes:
        archive: to write to.
        storage: paths and recipients.
        tree: the brain's configuration.
        contents: everything else.
        clock: gives the day.
        by: name of this host.
        cache: SQLite file of known contents; None for none.
    """

    archive: Archive
    storage: Storage
    tree: Tree
    contents: BackupContents
    clock: Clock
    by: str
    cache: Path | None = None

    def run(self, progress: Progress, *, dry_run: bool = False) -> BackupManifest:
        """Write the backup, or only find out what would be written.

        Raises:
            StoreUnavailable: the store does not respond; the next run continues.
            ArchiveUnavailable: likewise, or the archive is full.
            NervesysError: a file cannot be read, or the disk has no room for a pack.
        """
        fields = time_fields(self.clock())
        paths, recipients = self.storage.archive.paths, self.storage.encryption.recipients
        path = key_for(PathTemplate(paths.backups).build(**fields), recipients)
        with (
            self._alone(),
            closing(KnownContents(self.cache)) as known,
            TemporaryFile() as body,
            SpooledTemporaryFile(max_size=SPOOL_BYTES) as times,
        ):
            files = BackupFiles.of(self.archive, self.storage)
            self._learn(known, files)
            packs = PackWriter(self.archive, PathTemplate(paths.backup_packs), recipients, known)
            started = BackupManifest(path, self.clock(), self.by, missing=dict(self.contents.missing))
            run = BackupRun(packs, started, cast("IO[bytes]", times), progress, dry_run=dry_run)
            try:
                with open_packer(body) as index:
                    index.add_configuration(self.tree)
                    run.manifest.parts["config"] = PartSize(index.files, index.bytes)
                    run.take_all([*self.contents.sources, self._archive_index(files)], index)
                    self._add_tables(index, run, files)
            except OSError as err:
                raise NervesysError(f"back up: {err.strerror}; temporary files need room in TMPDIR") from err
            finally:
                packs.discard()
            if dry_run:
                return replace(run.manifest, new=run.new)
            manifest = replace(run.manifest, packs=len(run.needed), new=run.new, sparse=run.sparse())
            with encrypted_file(body, recipients) as whole:
                self._publish(whole, PathTemplate(paths.backup_manifests).build(**fields), manifest, run, files)
        return manifest

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Exclude another backup of this home: both would write today's files, and the cache.

        Raises:
            NervesysError: one is running, or the cache cannot be written.
        """
        with ExitStack() as stack:
            if self.cache:
                lock = FileLock(self.cache.with_suffix(".lock"))
                stack.callback(lock.close)
                if not lock.acquire(wait=False):
                    raise NervesysError("back up: another backup of this NERVESYS_HOME is running; wait for its end")
            try:
                yield
            except sqlite3.Error as err:
                raise NervesysError(f"back up: the cache {self.cache} cannot be used: {err}") from err

    def _publish(
        self, body: IO[bytes], manifest_path: str, manifest: BackupManifest, run: BackupRun, files: BackupFiles
    ) -> None:
        """Put the backup and its manifest into the archive, and check that both belong together.

        Raises:
            ArchiveUnavailable: the archive does not respond.
            NervesysError: another host wrote today's backup, or deleted packs, at the same time.
        """
        earlier: list[Pack] = []
        if manifest_path in files.manifests:  # whichever body a kill leaves, its packs are named
            with suppress(BadObject):
                earlier = [p for p in read_packs(self.archive, manifest_path) if p.path not in run.needed]
                both = replace(manifest, packs=manifest.packs + len(earlier))
                write_manifest(self.archive, manifest_path, both, chain(self._needed_packs(run, files), earlier))
        put_verified(self.archive, manifest.path, body)
        for other in set(key_variants(manifest.path)) - {manifest.path}:
            self.archive.delete(other)
        write_manifest(self.archive, manifest_path, manifest, self._needed_packs(run, files))
        body.seek(0)
        with self.archive.open(manifest.path) as stored:
            if _digest(stored) != _digest(body):
                self.archive.delete(manifest_path)  # no pack is deleted while a backup has none
                raise NervesysError(f"back up: another host wrote {manifest.path} at the same time; run it again")
        sizes = BackupFiles.of(self.archive, self.storage).packs
        if lost := [path for path in sorted(run.needed) if sizes.get(path) != files.packs[path]]:
            raise NervesysError(f"back up: {lost[0]} was deleted or changed meanwhile; run it again")

    def _learn(self, known: KnownContents, files: BackupFiles) -> None:
        """Read the contents of the newest manifest; forget packs that are no longer in the archive."""
        tag = pack_tag(self.storage.encryption.recipients)
        template = PathTemplate(self.storage.archive.paths.backup_packs)
        present = {  # packs for earlier recipients are not used: their identity may be lost
            path: size
            for path, size in files.packs.items()
            if "".join((template.parse(path) or {}).get("object", "").rpartition("-")[:2]) == tag
        }
        for path in sorted(files.manifests)[-1:]:
            try:
                sparse = read_manifest(self.archive, path).sparse
                for pack in read_packs(self.archive, path):
                    known.add(pack.path, pack.bytes, pack.contents.items())
            except BadObject:
                continue  # its contents are stored again
            present = {path: size for path, size in present.items() if path not in sparse}
        known.keep_packs(present)

    def _archive_index(self, files: BackupFiles) -> BackupSource:
        """A list of all files of the archive that are not part of backups."""
        own = {*files.packs, *files.manifests, *files.backups.values()}
        lines = b"".join(
            json.dumps({"path": file.path, "size": file.size, "modified": file.modified}).encode() + b"\n"
            for file in files.all
            if file.path not in own
        )
        return BackupSource("archive_index", lambda: [BackupItem(ARCHIVE_INDEX, lambda: io.BytesIO(lines))])

    def _add_tables(self, index: Packer, run: BackupRun, files: BackupFiles) -> None:
        if max(index.sums_bytes, run.times.tell()) > MAX_TABLE_BYTES:
            raise NervesysError(
                f"back up: the names of all files are over {MAX_TABLE_BYTES >> 20} MB, which no restore reads; "
                "leave areas out by the setting backup.leave_out"
            )
        for pack in run.packs.packs:
            files.packs[pack.path] = pack.bytes
        header = {**self.contents.header, "by": self.by, "created_at": self.clock()}
        header["missing"] = self.contents.missing | run.manifest.missing
        index.add(HEADER, io.BytesIO(json.dumps(header).encode()))
        lines = (f"{files.packs.get(path, 0)}  {path}\n" for path in sorted(run.needed))
        index.add(PACKS, io.BytesIO("".join(lines).encode()))
        index.add(MODIFIED, run.times)

    def _needed_packs(self, run: BackupRun, files: BackupFiles) -> Iterator[Pack]:
        for path in sorted(run.needed):
            yield Pack(path, files.packs[path], run.packs.known.contents_of(path))


def _digest(body: IO[bytes]) -> str:
    return hashlib.file_digest(body, "sha256").hexdigest()  # type: ignore[arg-type]  # it is readable

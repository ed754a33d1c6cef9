"""Reads everything that a full backup contains, and packs what no earlier backup stored."""

import errno
import hashlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from shutil import copyfileobj
from tempfile import SpooledTemporaryFile
from typing import IO, cast

from nervesys.agent.backup.items import BackupItem, BackupSource, checked_name
from nervesys.agent.backup.manifest import BackupManifest, PartSize
from nervesys.agent.backup.packs import PackWriter
from nervesys.agent.replication.backup import Packer, checksum_line
from nervesys.errors import BadObject, BrainUnavailable, DatabaseUnavailable, NervesysError, Reason
from nervesys.plural import count

SPOOL_BYTES = 4 << 20
"""Size up to which a content is kept in memory while it is hashed; larger ones go to a temporary file."""
PROGRESS_EVERY_FILES = 1000
SPARSE_BYTES, SPARSE_SHARE = 1 << 20, 0.5
"""Unused bytes, and used share, from which on a pack is given up: what is used of it is stored again."""
MOST_SPARSE = 5000
FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
NAMED, REASON_CHARACTERS = 100, 300
"""Files that cannot be read and are named in a manifest, and length of each reason: its first line is below 1 MiB."""

Progress = Callable[[str], None]


class BackupRun:
    """Reads the files of all sources, and packs what is new.

    Args:
        packs: stores new contents.
        manifest: to be completed.
        times: gets the time of each file.
        progress: takes each step, as a line of text.
        dry_run: store nothing.
    """

    def __init__(
        self, packs: PackWriter, manifest: BackupManifest, times: IO[bytes], progress: Progress, *, dry_run: bool
    ) -> None:
        self.packs, self.manifest, self.times = packs, manifest, times
        self._progress, self._dry_run = progress, dry_run
        self.needed: set[str] = set()
        self._seen: set[str] = set()
        self._used: dict[str, int] = {}
        self._skipped = 0
        self.new = PartSize()

    def take_all(self, sources: Sequence[BackupSource], index: Packer) -> None:
        """Read all sources; one whose database or disk cannot be read is missing from the backup."""
        for source in sources:
            if source.part in self.manifest.missing:
                continue
            try:
                self._take(source, index)
            except (DatabaseUnavailable, BrainUnavailable, OSError) as err:
                if isinstance(err, OSError) and err.errno in FULL_DISK:
                    raise
                self.manifest.missing[source.part] = str(err)
                self._progress(f"{source.part}: not contained: {err}")
            if not self._dry_run:  # also of a part that ended early: the index names what was read of it
                self.packs.flush()  # packs of one part: what is kept as long lies together
                self.needed.update(pack.path for pack in self.packs.packs)

    def _take(self, source: BackupSource, index: Packer) -> None:
        total = self.manifest.parts.get(source.part, PartSize())
        for item in source.items():
            try:
                checked_name(item.name)  # a restore refuses the whole backup for another
                sha, size = self._content(item)
            except (BadObject, OSError) as err:
                self._skip(item, err)
                continue
            total = total.plus(size)
            index.name(item.name, sha)
            self.times.write(checksum_line(f"{item.modified:.6f}", item.name).encode())
            if total.files % PROGRESS_EVERY_FILES == 0:
                self._progress(f"{source.part}: {count(total.files, 'file')} so far")
        self.manifest.parts[source.part] = total

    def _skip(self, item: BackupItem, err: BadObject | OSError) -> None:
        """Leave out a file that was deleted meanwhile; one that cannot be read is named in the manifest.

        Raises:
            OSError: the disk is full.
        """
        if isinstance(err, OSError) and err.errno in FULL_DISK:
            raise err
        is_gone = isinstance(err, FileNotFoundError) or (isinstance(err, BadObject) and err.reason is Reason.GONE)
        reason = "deleted meanwhile" if is_gone else str(err)
        if not is_gone:
            self._skipped += 1
            if self._skipped <= NAMED:
                self.manifest.missing[item.name] = reason[:REASON_CHARACTERS]
            else:
                self.manifest.missing["further files"] = f"{self._skipped - NAMED} more cannot be read"
        self._progress(f"{item.name}: not contained: {reason}")

    def _content(self, item: BackupItem) -> tuple[str, int]:
        """SHA-256 and size of a file; its content is packed, unless it is known."""
        known = self.packs.known
        sha = known.sha_of(item.name, item.stamp)
        if sha and (found := known.find(sha)):
            self._use(sha, *found)
            return sha, found[0]
        with ExitStack() as stack:
            spool = cast("IO[bytes]", stack.enter_context(SpooledTemporaryFile(max_size=SPOOL_BYTES)))
            copyfileobj(stack.enter_context(item.open()), spool)
            size = spool.tell()
            spool.seek(0)
            sha = hashlib.file_digest(spool, "sha256").hexdigest()  # type: ignore[arg-type]  # it is readable
            if found := known.find(sha):
                self._use(sha, *found)
            elif sha not in self._seen:
                self._seen.add(sha)
                self.new = self.new.plus(size)
                if not self._dry_run:
                    self._pack(sha, spool)
        if not self._dry_run:
            known.remember(item.name, item.stamp, sha)
        return sha, size

    def _pack(self, sha: str, content: IO[bytes]) -> None:
        try:
            self.packs.add(sha, content)
        except OSError as err:  # not the file's: half of it is in the open pack
            raise NervesysError(f"back up: write a pack: {err.strerror}; temporary files need room in TMPDIR") from err

    def _use(self, sha: str, size: int, pack: str) -> None:
        self.needed.add(pack)
        if sha not in self._seen:
            self._seen.add(sha)
            self._used[pack] = self._used.get(pack, 0) + size

    def sparse(self) -> tuple[str, ...]:
        """Packs of earlier backups of which little is used."""
        sizes = {pack: sum(self.packs.known.contents_of(pack).values()) for pack in self._used}
        return tuple(
            pack
            for pack, used in sorted(self._used.items())
            if sizes[pack] - used >= SPARSE_BYTES and used < SPARSE_SHARE * sizes[pack]
        )[:MOST_SPARSE]

"""Restores a full backup into a folder, which can then be a NERVESYS_HOME.

    FOLDER/brain.git        the brain with both branches and their history
    FOLDER/brain/config/…   its configuration, if the brain was a plain folder
    FOLDER/store/KEY        the objects, each at its key; of the demo, where its own S3 server has them
    FOLDER/…                the files of NERVESYS_HOME
    FOLDER/.restored/       what these were made of, and notes

Each content is written beside its place, compared with its SHA-256, and only then renamed. A restore that was
interrupted continues: its notes name the packs that are done.
"""

import gzip
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, cast

from nervesys.agent.backup.backup_run import FULL_DISK
from nervesys.agent.backup.index import BackupIndex, checked_folder, members, open_tar
from nervesys.agent.backup.items import BUNDLE, CONFIG, HOME, STORE
from nervesys.errors import BadObject, NervesysError
from nervesys.plural import count
from nervesys.stores.archive import Archive
from nervesys.stores.bundle import restore_bundle
from nervesys.stores.packing import open_unpacked

BRAIN, REPOSITORY, RESTORED = "brain", "brain.git", ".restored"
NOTES = f"{RESTORED}/notes"
"""File with the path of the backup, the packs that are done, and at last `COMPLETE`."""
COMPLETE = "complete"
PROGRESS_EVERY_FILES = 1000
"""Number of files between two progress messages."""
READ_BYTES = 1 << 20
BESIDE = ".restore-"
SPARE_BYTES = 16 << 20

Progress = Callable[[str], None]


@dataclass
class RestoredBackup:
    """Result of a restore.

    Attributes:
        folder: that was restored into.
        index: of the backup.
        files: their names in the backup.
        bytes: their total size.
        problems: what could not be restored.
        was_complete: an earlier restore had written everything; nothing was written now.
    """

    folder: Path
    index: BackupIndex = field(default_factory=BackupIndex)
    files: list[str] = field(default_factory=list)
    bytes: int = 0
    problems: list[str] = field(default_factory=list)
    was_complete: bool = False

    @property
    def brain(self) -> Path:
        """Folder with the configuration."""
        return self.folder / RESTORED / BRAIN if BUNDLE in self.index.sums else self.folder / BRAIN

    def path(self, name: str) -> Path:
        """Path of a restored file, by its name in the backup."""
        if name.startswith(CONFIG):
            return self.brain / name
        if name.startswith(STORE):
            folder = checked_folder(str(self.index.header.get("store_folder") or "store"))
            return self.folder / folder / name.removeprefix(STORE)
        if name.startswith(HOME):
            return self.folder / name.removeprefix(HOME)
        return self.folder / RESTORED / name

    def count(self) -> None:
        """List the files that are there, also those that an interrupted restore wrote."""
        names = {*self.index.inline, *(name for names in self.index.packed.values() for name in names)}
        self.files = [name for name in sorted(names) if os.path.isfile(self.path(name))]  # noqa: PTH113  # of any length
        self.bytes = sum(self.path(name).stat().st_size for name in self.files)


def check_empty(folder: Path, backup: str | None = None) -> list[str]:
    """Reject a folder that is not empty, so that nothing is ever overwritten.

    Args:
        folder: the target.
        backup: path of the backup, whose interrupted restore may be continued; None for none.

    Returns:
        The packs that an earlier restore has done, and `COMPLETE` if it ended.

    Raises:
        NervesysError: it is not empty, or not a folder.
    """
    try:
        first = next(folder.iterdir(), None)
    except FileNotFoundError:
        return []
    except NotADirectoryError:
        raise NervesysError(f"restore into {folder}: it is not a folder") from None
    except OSError as err:
        raise NervesysError(f"restore into {folder}: {err.strerror}") from err
    if first is None:
        return []
    with suppress(OSError, UnicodeDecodeError):
        known, *done = (folder / NOTES).read_text().splitlines() or [""]  # empty: killed before its first line
        if backup is not None and known == backup:
            return done
    raise NervesysError(f"restore into {folder}: it is not empty ({first.name}); name an empty folder, or a new one")


def mark_complete(folder: Path) -> None:
    """Note that a restore, with everything that follows it, is done: it is not continued any more."""
    with (folder / NOTES).open("a") as notes:
        notes.write(f"{COMPLETE}\n")


def check_packs(index: BackupIndex, archive: Archive) -> Iterator[str]:
    """Compare the packs that a backup needs with the archive; yields a message for each that is missing or cut.

    Raises:
        BadObject: the path of a pack leaves the archive.
        ArchiveUnavailable: the archive does not respond.
    """
    folders = {f"{checked_folder(path).parent}/" for path in index.packs}
    found = {file.path: file.size for folder in folders for file in archive.files(folder)}
    for path, size in index.packs.items():
        if path not in found:
            yield f"{path} is missing from the archive"
        elif found[path] != size:
            yield f"{path} has {count(found[path], 'byte')} instead of {size}"


@dataclass
class Restorer:
    """Writes the files of a backup.

    Attributes:
        archive: holds the packs.
        restored: the result.
        progress: takes each step, as a line of text.
        done: packs that an interrupted restore has written.
    """

    archive: Archive
    restored: RestoredBackup
    progress: Progress
    done: list[str] = field(default_factory=list)
    _refused: set[str] = field(default_factory=set)

    def run(self, body: IO[bytes], backup: str) -> None:
        """Write everything; a file that is damaged is left out, and named as a problem.

        Args:
            body: the backup, decrypted.
            backup: its path in the archive.

        Raises:
            NervesysError: the disk is full, or a file is there already.
            ArchiveUnavailable: the archive does not respond; the next run continues.
        """
        folder = self.restored.folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / RESTORED).mkdir(exist_ok=True)
        with (folder / NOTES).open("a") as notes:
            if not self.done and not notes.tell():
                notes.write(f"{backup}\n")
            notes.flush()
            self._write_inline(body)
            self._write_packs(notes)
        bundle = self.restored.path(BUNDLE)
        if bundle.exists():
            self.progress("restoring the brain's branches")
            branch = str(self.restored.index.header.get("branch") or "main")
            restore_bundle(bundle, folder / REPOSITORY, branch)
        self.restored.count()

    def _write_inline(self, body: IO[bytes]) -> None:
        body.seek(0)
        with gzip.GzipFile(fileobj=body, mode="rb") as unpacked, open_tar(cast("IO[bytes]", unpacked)) as tar:
            for member, stream in members(tar):
                if member.name in self.restored.index.inline:
                    self._write([member.name], member.size, stream, self.restored.index.sums[member.name])

    def _write_packs(self, notes: IO[str]) -> None:
        packed = self.restored.index.packed
        total = len(self.restored.index.packs)
        for number, path in enumerate(self.restored.index.packs, 1):
            before = len(self.restored.problems)
            try:
                if path not in self.done:
                    self._write_pack(path, packed)
            except BadObject as bad:
                self.restored.problems.append(f"{path}: {bad}")
            if len(self.restored.problems) > before:
                continue
            notes.write(f"{path}\n")
            notes.flush()
            self.progress(f"restored pack {number} of {total}: {count(len(self.restored.files), 'file')} so far")
        wanted = {name for names in packed.values() for name in names} - self._refused
        lost = [name for name in wanted if not os.path.exists(self.restored.path(name))]  # noqa: PTH110  # of any length
        self.restored.problems += [f"{name} is missing" for name in sorted(lost)]

    def _write_pack(self, path: str, packed: dict[str, list[str]]) -> None:
        with (
            self.archive.open(path) as body,
            open_unpacked(body, path) as content,
            open_tar(content) as tar,
        ):
            for member, stream in members(tar):
                if names := packed.get(member.name):
                    self._write(names, member.size, stream, member.name)

    def _write(self, names: list[str], size: int, stream: IO[bytes], sha: str) -> None:
        """Write one content to all its names; it is renamed only if it matches its checksum."""
        self._check_room(names[0], size * len(names))
        with NamedTemporaryFile(dir=self.restored.folder / RESTORED, prefix=BESIDE, delete=False) as file:
            whole = Path(file.name)
            try:
                digest = hashlib.sha256()
                while chunk := stream.read(READ_BYTES):
                    digest.update(chunk)
                    file.write(chunk)
                file.flush()
                if digest.hexdigest() != sha:
                    self.restored.problems.append(f"{names[0]} does not match its checksum")
                    return
                for name in reversed(names):
                    self._place(name, whole, last=name == names[0])
            finally:
                whole.unlink(missing_ok=True)

    def _place(self, name: str, whole: Path, *, last: bool) -> None:
        """Give a content its name. One that the disk refuses costs itself alone: keys of a store have fewer rules."""
        path = self.restored.path(name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if last:
                whole.rename(path)
            else:
                path.touch(mode=0o600)  # as private as the temporary file: it may be a secret
                shutil.copyfile(whole, path)
            if modified := self.restored.index.modified.get(name):
                os.utime(path, (modified, modified))
        except OSError as err:
            if err.errno in FULL_DISK:
                raise
            self._refused.add(name)
            self.restored.problems.append(f"{name[:200]} cannot be written: {err.strerror}")
            return
        self.restored.files.append(name)
        if len(self.restored.files) % PROGRESS_EVERY_FILES == 0:
            self.progress(f"{count(len(self.restored.files), 'file')} so far")

    def _check_room(self, name: str, size: int) -> None:
        if size > shutil.disk_usage(self.restored.folder).free - SPARE_BYTES:
            raise NervesysError(f"restore {name}: no room for its {size} bytes in {self.restored.folder}")

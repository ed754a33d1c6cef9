"""Versioned files: each write makes a version, each content is stored once, and every version can be restored.

The log of versions is authoritative; `files/` shows the newest contents as plain files. A write stores the content,
then the version, then the plain file. A crash in between leaves at most a content without a version, or a plain file
that is one version behind, which the next writer repairs.
"""

import difflib
import logging
import random
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from functools import partial
from itertools import takewhile
from pathlib import Path

from nervesys.clock import Clock, system_clock
from nervesys.contract import parse_time
from nervesys.contract.times import DAY_SECONDS
from nervesys.contract.ulid import TimedId, UlidGenerator
from nervesys.errors import NervesysError
from nervesys.workspace import disk
from nervesys.workspace.contents import Contents, hash_of
from nervesys.workspace.log import Log, WriteLock
from nervesys.workspace.numbered_files import EarlierFile
from nervesys.workspace.paths import clean, inside
from nervesys.workspace.versions import NAME, Version, VersionIndex, pruned_line

log = logging.getLogger(__name__)

COMPRESS_SECONDS = 2.0
"""For gzipping contents in one call: an agent that stops has ten seconds."""
SHOWN_SECONDS = 2
"""Within which the plain file of a version is written after it."""
TAKE_OVER_BYTES = 64 << 20
"""Largest plain file that becomes a version: it is read into memory, which an agent shares with its work."""
Versions = list[Version]
Lines = list[str]


class Files:
    """The files of one project. Safe for concurrent threads and processes.

    Args:
        folder: of the project; created if missing.
        author: default author of versions.
        clock: source of timestamps.
        report: called with each new version, while no other process can write.

    Raises:
        NervesysError: its files cannot be opened.
    """

    def __init__(
        self,
        folder: Path,
        author: str,
        clock: Clock = system_clock,
        report: Callable[[Version], object] = lambda _: None,
    ) -> None:
        self.root, self._report = folder / "files", report
        self._author, self._clock, self._stamps = author, clock, UlidGenerator(clock)
        self._contents = Contents(folder / NAME / "contents")
        self._log = Log(folder / NAME, NAME)
        self._index = VersionIndex(self._log.segments)
        with disk.describe_os_errors(f"open the files of {folder}"):
            self.root.mkdir(parents=True, exist_ok=True)
            self._lock = WriteLock(folder / "files.lock")
            with self._lock:
                self._refresh()

    def take_over(self) -> Versions:
        """Make versions of the plain files that are new, or were edited by hand; returns them.

        Files whose size is as in their newest version, and that were not modified since, are not read. Links are left
        alone; so are files that cannot be read, that are larger than `TAKE_OVER_BYTES`, or whose names are out of
        bounds, with a warning.
        """
        taken = []
        with disk.describe_os_errors("take over the files"), self._lock:
            self._refresh()
            for target in sorted(path for path in self.root.rglob("*") if path.is_file() and not path.is_symlink()):
                path = target.relative_to(self.root).as_posix()
                try:
                    body = self._read_changed(path, target)
                except (OSError, NervesysError) as err:
                    log.warning("leave a file as it is: %s", err)
                    continue
                if body is None:
                    continue
                before = self._index.newest(path)
                if before is None or before.hash != hash_of(body):
                    taken.append(self._add(path, self._contents.put(body), len(body), None))
        return taken

    def add_earlier(self, earlier: Iterable[EarlierFile]) -> Versions:
        """Add versions of other programs, with their own times, in front of what the plain files hold; returns them.

        What a file was at that time already is not added. A file that had versions stays as it
        is: its newest version becomes one once more. A plain file that exists is not overwritten.
        """
        added: Versions = []
        with disk.describe_os_errors("import versions"), self._lock:
            self._refresh()
            newest = {path: versions[-1] for path, versions in self._index.files.items()}
            for path, hash_, size, at, author in sorted(earlier, key=lambda file: file.at):
                stamp = UlidGenerator(partial(float, at)).next()
                if self._hash_at(path, stamp.timestamp) != hash_:
                    added.append(self._append(path, hash_, size, stamp, author or self._author))
            for path in {version.path for version in added}:
                if path in newest:
                    self._add(path, newest[path].hash, newest[path].size, None)
                elif not inside(self.root, path).exists():
                    self._try_show(self._index.files[path][-1])
            self._log.sync()
        return added

    def compress(self, days: float) -> int:
        """Gzip the contents that only versions older than so many days have, while there is time; returns how many.

        The newest version of each file stays as it is, because it is read most.
        """
        until = time.monotonic() + COMPRESS_SECONDS
        with disk.describe_os_errors("compress old versions"), self._lock:
            self._refresh()
            oldest, newest = self._clock() - days * DAY_SECONDS, {version.id for version in self._index.current()}
            recent = {
                version.hash
                for version in self._index.versions()
                if version.id in newest or _written_at(version) >= oldest
            }
            old = [*({version.hash for version in self._index.versions() if version.hash} - recent)]
            random.shuffle(old)  # those that gzip makes no smaller must not take all the time of every call
            return sum(self._contents.pack(hash_) for hash_ in takewhile(lambda _: time.monotonic() < until, old))

    def write(self, path: str, content: bytes | str, author: str | None = None) -> Version:
        """Write a file. Writing the same content again makes no new version.

        Args:
            path: relative to `files/`.
            content: text is stored as UTF-8.
            author: author of the version.

        Raises:
            NervesysError: the path is invalid, or the disk cannot be written.
        """
        body = content.encode() if isinstance(content, str) else content
        target = inside(self.root, path)
        with disk.describe_os_errors(f"write {path}"), self._lock:
            before = self._refresh(path)
            if before and before.hash == hash_of(body):
                return before
            if target.is_dir():
                raise NervesysError(f"write {path}: it is a folder")
            target.parent.mkdir(parents=True, exist_ok=True)
            return self._add(path, self._contents.put(body), len(body), author)

    def read(self, path: str, version: str | None = None) -> bytes:
        """A file's content.

        Args:
            path: relative to `files/`.
            version: id of a version; None for the newest.

        Raises:
            NervesysError: there is no such file or version, or its content is damaged.
        """
        found = self._version(path, version)
        if found.hash is None:
            raise NervesysError(f"read {path}: it was deleted; `history` names the versions before")
        with disk.describe_os_errors(f"read {path}"):
            return self._contents.get(found.hash)

    def delete(self, path: str, author: str | None = None) -> Version:
        """Delete a file; its versions are kept.

        Raises:
            NervesysError: there is no such file.
        """
        inside(self.root, path)
        with disk.describe_os_errors(f"delete {path}"), self._lock:
            before = self._refresh(path)
            if before is None or before.hash is None:
                raise NervesysError(f"delete {path}: there is no such file")
            return self._add(path, None, 0, author)

    def list(self) -> Versions:
        """The newest version of every file, by path."""
        with self._lock:
            self._refresh()
            return list(self._index.current())

    def history(self, path: str) -> Versions:
        """All versions of a file, oldest first; empty if it never existed.

        Raises:
            NervesysError: the path is wrong.
        """
        with self._lock:
            self._refresh()
            return list(self._index.files.get(clean(path), ()))

    def diff(self, path: str, old: str, new: str | None = None) -> str:
        """The unified diff of two versions; bytes that are not text are shown escaped.

        Args:
            path: relative to `files/`.
            old: id of a version.
            new: id of another; None for the newest.

        Raises:
            NervesysError: there is no such file or version.
        """
        before, after = self._version(path, old), self._version(path, new)
        lines = difflib.unified_diff(
            self._lines(before), self._lines(after), f"{path} {before.id}", f"{path} {after.id}"
        )
        return "".join(lines)

    def restore(self, path: str, version: str, author: str | None = None) -> Version:
        """Restore an earlier version, as a new version.

        Raises:
            NervesysError: there is no such file or version, or its content is damaged.
        """
        return self.write(path, self.read(path, version), author)

    def restore_all(self, wanted: Mapping[str, Version], author: str | None = None) -> None:
        """Restore all files to the given versions; other files are deleted.

        Raises:
            NervesysError: a content is damaged; nothing was changed.
        """
        bodies = {path: self.read(path, version.id) for path, version in wanted.items()}
        for version in self.list():
            if version.path not in wanted:
                self.delete(version.path, author)
        for path, body in bodies.items():
            self.write(path, body, author)

    def clean(self, *, days: float | None = None, count: int | None = None, keep: Collection[str] = ()) -> int:
        """Prune old versions, and delete the contents that no version needs any more.

        Args:
            days: prune versions that are older; None for no limit.
            count: keep this many versions of each file; None for no limit.
            keep: ids of versions to keep in any case; the newest version of a file is always kept.

        Returns:
            The number of pruned versions.
        """
        with disk.describe_os_errors("clean up"), self._lock:
            self._refresh()
            oldest = self._clock() - (days or 0) * DAY_SECONDS
            pruned = [
                version.id
                for versions in self._index.files.values()
                for behind, version in enumerate(reversed(versions))
                if behind
                and version.id not in keep
                and ((count is not None and behind >= count) or (days is not None and _written_at(version) < oldest))
            ]
            if pruned:
                self._log.append(pruned_line(pruned, self._stamps.next().timestamp))
                self._refresh()
            self._contents.keep_only({version.hash for version in self._index.versions() if version.hash})
            return len(pruned)

    def close(self) -> None:
        """Flush everything to disk, and close the files."""
        self._log.close()
        self._lock.close()

    def _version(self, path: str, id_: str | None) -> Version:
        versions = self.history(path)
        if not versions:
            raise NervesysError(f"find {path}: there is no such file")
        found = versions[-1] if id_ is None else next((version for version in versions if version.id == id_), None)
        if found is None:
            raise NervesysError(f"find {path}: it has no version {id_}")
        return found

    def _lines(self, version: Version) -> Lines:
        body = self.read(version.path, version.id) if version.hash else b""
        return body.decode(errors="backslashreplace").splitlines(keepends=True)

    def _refresh(self, path: str = "") -> Version | None:
        """Read new log entries, repair the last writer's unfinished write; return the newest version of a path."""
        if self._index.refresh() and self._index.last:
            self._repair(self._index.last)
        return self._index.newest(path)

    def _add(self, path: str, hash_: str | None, size: int, author: str | None) -> Version:
        version = self._append(path, hash_, size, self._stamps.next(), author or self._author)
        self._log.sync()
        self._show(version)
        return version

    def _append(self, path: str, hash_: str | None, size: int, stamp: TimedId, author: str) -> Version:
        before = self._index.newest(path)
        prev = before.id if before else None
        version = Version(stamp.id, path, hash_, size, stamp.timestamp, author, prev)
        self._log.append(version.line())
        self._index.refresh()
        self._report(version)
        return version

    def _hash_at(self, path: str, timestamp: str) -> str | None:
        """The content that a file had at an instant; None if it did not exist. Versions are not always in order."""
        earlier = (version for version in self._index.files.get(path, ()) if version.timestamp <= timestamp)
        newest = max(earlier, key=lambda version: version.timestamp, default=None)
        return newest.hash if newest else None

    def _read_changed(self, path: str, target: Path) -> bytes | None:
        """The content of a plain file that may differ from its newest version; None if it does not.

        Raises:
            NervesysError: it cannot be a version.
            OSError: it cannot be read, or is gone meanwhile.
        """
        if target.name.startswith(disk.BESIDE) or not self._differs(path, target):
            return None
        with inside(self.root, path).open("rb") as file:
            body = file.read(TAKE_OVER_BYTES + 1)
        if len(body) > TAKE_OVER_BYTES:
            raise NervesysError(f"{path} has more than {TAKE_OVER_BYTES >> 20} MB; store it as an artifact")
        return body

    def _differs(self, path: str, target: Path) -> bool:
        """Whether a plain file may differ from its newest version, by its size and time."""
        version, stat = self._index.newest(path), target.stat()
        if version is None or version.hash is None:
            return True
        return stat.st_size != version.size or stat.st_mtime > _written_at(version) + SHOWN_SECONDS

    def _show(self, version: Version) -> None:
        """Write, or delete, the plain file of a version."""
        target = inside(self.root, version.path)
        if version.hash:
            disk.replace(target, self._contents.get(version.hash))
            return
        target.unlink(missing_ok=True)
        with suppress(OSError):  # a folder that holds other files stays
            for folder in target.parents:
                if folder == self.root:
                    break
                folder.rmdir()

    def _repair(self, last: Version) -> None:
        """Finish the last write of a killed writer; a plain file that was edited by hand is left alone."""
        versions = self._index.files[last.path]
        target = inside(self.root, last.path)
        sizes = {version.size for version in versions[-2:]}
        if target.is_file() and target.stat().st_size not in sizes:
            return
        shown = hash_of(target.read_bytes()) if target.is_file() else None
        before = versions[-2].hash if len(versions) > 1 else None
        if versions[-1] is last and shown != last.hash and shown in {before, None}:
            self._try_show(last)

    def _try_show(self, version: Version) -> None:
        """Write the plain file of a version if possible; a folder may lie in its place."""
        try:
            self._show(version)
        except (OSError, NervesysError) as err:
            log.warning("leave the plain file of %s as it is: %s", version.path, err)


def _written_at(version: Version) -> float:
    return parse_time(version.timestamp)

"""The backup of the brain's configuration in the store, one object a day, written by the first agent.

It is a tar.gz whose last file is `SHA256SUMS`, in sha256sum's format, which a restore checks.
"""

import gzip
import hashlib
import io
import re
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from nervesys.clock import Clock
from nervesys.contract import PathTemplate
from nervesys.contract.paths import time_fields
from nervesys.settings import Tree
from nervesys.stores.encryption import encrypt, key_for, key_variants
from nervesys.stores.objects import ObjectStore

FOLDERS = ("config", "config/agents", "config/profiles")
CONFIGURATION, STORE = "config/", "store/"
"""Prefixes of the names of files: of the brain, and of objects of the store."""
SUMS = "SHA256SUMS"
"""The last file, with the SHA-256 of all others."""
BACKSLASH = "\\"


@dataclass
class Backup:
    """Ensures that today's backup of the configuration is in the store.

    Attributes:
        store: to write to.
        template: of its key.
        tree: the brain's files.
        clock: gives the current day.
        recipients: of age encryption; plain if there are none.
        kept: date of the last backup known to be in the store.
    """

    store: ObjectStore
    template: PathTemplate
    tree: Tree
    clock: Clock
    recipients: Callable[[], Sequence[str]] = tuple
    kept: str = ""

    def keep(self) -> None:
        """Write today's backup, if it does not exist.

        Raises:
            StoreUnavailable: the next call tries again.
        """
        today = time_fields(self.clock())["date"]
        if self.kept == today:
            return
        if key := self.due_key():
            self.store.put(key, encrypt(pack_configuration(self.tree), self.recipients()))
        self.kept = today

    def due_key(self) -> str | None:
        """The key of today's backup; None if it is in the store.

        Raises:
            StoreUnavailable: it cannot be listed.
        """
        today = time_fields(self.clock())
        key = self.template.build(**today)
        listing = self.store.list(self.template.prefix(**today))
        there = any(info.key in key_variants(key) for info in listing.objects)
        return None if there else key_for(key, self.recipients())


def pack_configuration(tree: Tree) -> bytes:
    """Pack a brain's `config/` as tar.gz; the same files give the same bytes."""
    out = io.BytesIO()
    with open_packer(out) as packer:
        packer.add_configuration(tree)
    return out.getvalue()


class Packer:
    """Adds files to a backup, and collects their checksums.

    Args:
        tar: to write to.
    """

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._sums: list[str] = []
        self.files = self.bytes = 0
        """Number and total size of the files that were added."""
        self.sums_bytes = 0
        """Size of the file of checksums."""

    def add_configuration(self, tree: Tree) -> None:
        """Add `config/` of a brain."""
        for folder in FOLDERS:
            for name in tree.names(folder):
                self.add(f"{folder}/{name}", io.BytesIO(tree.read(f"{folder}/{name}") or b""))

    def name(self, name: str, digest: str) -> None:
        """Add the checksum of a file whose content is elsewhere."""
        line = checksum_line(digest, name)
        self.sums_bytes += len(line.encode())
        self._sums.append(line)

    def add(self, name: str, stream: IO[bytes]) -> None:
        """Add a file."""
        stream.seek(0)
        self.name(name, hashlib.file_digest(stream, "sha256").hexdigest())  # type: ignore[arg-type]  # it is readable
        self._put(name, stream)

    def close(self) -> None:
        """Add the file of checksums."""
        self._put(SUMS, io.BytesIO("".join(self._sums).encode()))

    def _put(self, name: str, stream: IO[bytes]) -> None:
        member = tarfile.TarInfo(name)
        member.size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        self._tar.addfile(member, stream)
        self.files += 1
        self.bytes += member.size


@contextmanager
def open_packer(out: IO[bytes]) -> Iterator[Packer]:
    """Writes a tar.gz, whose last file has the checksums of all others."""
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        packer = Packer(tar)
        yield packer
        packer.close()


def checksum_line(digest: str, name: str) -> str:
    """A line of `SHA256SUMS`; if its name needs escapes, the line starts with a backslash, as sha256sum writes it."""
    escaped = name.replace("\\", r"\\").replace("\n", r"\n")
    return f"{'' if escaped == name else BACKSLASH}{digest}  {escaped}\n"


def parse_sums(body: bytes) -> dict[str, str]:
    """Parse `SHA256SUMS` into the SHA-256 of each file by its name; lines in another form are skipped."""
    lines = (line.partition("  ") for line in body.decode(errors="replace").split("\n"))
    return {
        _unescaped(name) if digest.startswith(BACKSLASH) else name: digest.removeprefix(BACKSLASH)
        for digest, _, name in lines
        if name
    }


def _unescaped(name: str) -> str:
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], name)

"""Backups: the brain's configuration, one object a day, whichever agent comes first; and the full one of a day.

Both are tar.gz, and end in `SHA256SUMS`, as sha256sum writes and reads it: whoever restores compares with it.
"""

import gzip
import hashlib
import io
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from nervesys.clock import Clock
from nervesys.contract import PathTemplate
from nervesys.contract.paths import time_fields
from nervesys.settings import Tree
from nervesys.stores.objects import ObjectReader, ObjectStore
from nervesys.stores.sealing import both_forms, name_for, seal

FOLDERS = ("config", "config/agents", "config/profiles")
CONFIGURATION, STORE = "config/", "store/"
"""What the names of files begin with: the brain's, and the objects of the store."""
SUMS = "SHA256SUMS"
"""The last file, with the SHA-256 of all others."""
BACKSLASH = "\\"


@dataclass
class Backup:
    """Sees to it that today's backup lies in the store.

    Attributes:
        store: that takes it.
        template: of its key.
        tree: the brain's files.
        clock: says which day it is.
        recipients: who alone are to read it; all where there are none.
        kept: the day that is done.
    """

    store: ObjectStore
    template: PathTemplate
    tree: Tree
    clock: Clock
    recipients: Callable[[], Sequence[str]] = tuple
    kept: str = ""

    def keep(self) -> None:
        """Put today's backup, unless it is there.

        Raises:
            StoreUnavailable: the next round tries again.
        """
        today = time_fields(self.clock())
        if self.kept == today["date"]:
            return
        key = self.template.build(**today)
        listing = self.store.list(self.template.prefix(**today))
        if all(info.key not in both_forms(key) for info in listing.objects):
            recipients = self.recipients()
            self.store.put(name_for(key, recipients), seal(packed(self.tree), recipients))
        self.kept = today["date"]


def packed(tree: Tree) -> bytes:
    """A brain's `config/` as tar.gz; the same files give the same bytes."""
    out = io.BytesIO()
    with _packer(out) as packer:
        packer.add_configuration(tree)
    return out.getvalue()


def write_backup(out: IO[bytes], tree: Tree, store: ObjectReader, areas: Iterable[PathTemplate]) -> None:
    """A full backup as tar.gz: `config/` of the brain, and below `store/` the objects of these areas, streamed.

    Raises:
        StoreUnavailable: the store does not answer.
        BadObject: an object went away meanwhile.
    """
    with _packer(out) as packer:
        packer.add_configuration(tree)
        for area in areas:
            for info in sorted(store.list(area.prefix()).objects, key=lambda info: info.key):
                if area.text.endswith("/") or area.parse(info.key) is not None:
                    with store.open(info.key) as stream:
                        packer.add(f"{STORE}{info.key}", stream)


class Packer:
    """Adds files to a backup, and remembers their checksums.

    Args:
        tar: that takes them.
    """

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._sums: list[str] = []

    def add_configuration(self, tree: Tree) -> None:
        """Add `config/` of a brain."""
        for folder in FOLDERS:
            for name in tree.names(folder):
                self.add(f"{folder}/{name}", io.BytesIO(tree.read(f"{folder}/{name}") or b""))

    def add(self, name: str, stream: IO[bytes]) -> None:
        """Add a file."""
        stream.seek(0)
        self._sums.append(_sum(hashlib.file_digest(stream, "sha256").hexdigest(), name))  # type: ignore[arg-type]  # can be read
        self._put(name, stream)

    def close(self) -> None:
        """Add the checksums of all of them."""
        self._put(SUMS, io.BytesIO("".join(self._sums).encode()))

    def _put(self, name: str, stream: IO[bytes]) -> None:
        member = tarfile.TarInfo(name)
        member.size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        self._tar.addfile(member, stream)


@contextmanager
def _packer(out: IO[bytes]) -> Iterator[Packer]:
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        packer = Packer(tar)
        yield packer
        packer.close()


def _sum(digest: str, name: str) -> str:
    """A line of checksums; a name that would break it is escaped, and the line says so, as sha256sum has it."""
    escaped = name.replace("\\", r"\\").replace("\n", r"\n")
    return f"{'' if escaped == name else BACKSLASH}{digest}  {escaped}\n"


def parsed_sums(body: bytes) -> dict[str, str]:
    """The SHA-256 of each file, by its name; for a line that is none, no file is vouched for."""
    lines = (line.partition("  ") for line in body.decode(errors="replace").split("\n"))
    return {
        _unescaped(name) if digest.startswith(BACKSLASH) else name: digest.removeprefix(BACKSLASH)
        for digest, _, name in lines
        if name
    }


def _unescaped(name: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], name)

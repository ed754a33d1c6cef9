"""The daily backup of the brain's configuration: one object a day, whichever agent comes first."""

import gzip
import io
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from nervesys.clock import Clock
from nervesys.contract import PathTemplate
from nervesys.contract.paths import time_fields
from nervesys.settings import Tree
from nervesys.stores.objects import ObjectReader, ObjectStore

FOLDERS = ("config", "config/agents", "config/profiles")


@dataclass
class Backup:
    """Sees to it that today's backup lies in the store.

    Attributes:
        store: that takes it.
        template: of its key.
        tree: the brain's files.
        clock: says which day it is.
        kept: the day that is done.
    """

    store: ObjectStore
    template: PathTemplate
    tree: Tree
    clock: Clock
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
        if all(info.key != key for info in listing.objects):
            self.store.put(key, packed(self.tree), content_type="application/gzip")
        self.kept = today["date"]


def packed(tree: Tree) -> bytes:
    """A brain's `config/` as tar.gz; the same files give the same bytes."""
    out = io.BytesIO()
    with _tar(out) as tar:
        _add_configuration(tar, tree)
    return out.getvalue()


def write_backup(out: IO[bytes], tree: Tree, store: ObjectReader, areas: Iterable[PathTemplate]) -> None:
    """A full backup as tar.gz: `config/` of the brain, and below `store/` the objects of these areas, streamed.

    Raises:
        StoreUnavailable: the store does not answer.
        BadObject: an object went away meanwhile.
    """
    with _tar(out) as tar:
        _add_configuration(tar, tree)
        for area in areas:
            for info in sorted(store.list(area.prefix()).objects, key=lambda info: info.key):
                if area.text.endswith("/") or area.parse(info.key) is not None:
                    with store.open(info.key) as stream:
                        _add(tar, f"store/{info.key}", stream)


@contextmanager
def _tar(out: IO[bytes]) -> Iterator[tarfile.TarFile]:
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        yield tar


def _add_configuration(tar: tarfile.TarFile, tree: Tree) -> None:
    for folder in FOLDERS:
        for name in tree.names(folder):
            _add(tar, f"{folder}/{name}", io.BytesIO(tree.read(f"{folder}/{name}") or b""))


def _add(tar: tarfile.TarFile, name: str, stream: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    tar.addfile(member, stream)

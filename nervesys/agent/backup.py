"""The daily backup of the brain's configuration: one object a day, whichever agent comes first."""

import gzip
import io
import tarfile
from dataclasses import dataclass

from nervesys.clock import Clock
from nervesys.contract import PathTemplate
from nervesys.contract.paths import time_fields
from nervesys.settings import Tree
from nervesys.stores.objects import ObjectStore

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
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        for folder in FOLDERS:
            for name in tree.names(folder):
                body = tree.read(f"{folder}/{name}") or b""
                member = tarfile.TarInfo(f"{folder}/{name}")
                member.size = len(body)
                tar.addfile(member, io.BytesIO(body))
    return out.getvalue()

"""Packs: files of the archive that hold contents of full backups, each content once, named by its SHA-256.

    Backups/packs/{hash of the list of contents}.tar.zst, of encrypted ones after a tag of the recipients and a dash

A pack holds many small contents, because archives such as Google Drive take a second for each file; a large content has
a pack of its own.
"""

import hashlib
import tarfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from io import SEEK_END
from tempfile import TemporaryFile
from typing import IO, cast

from pydantic import with_config

from nervesys.agent.backup.known import KnownContents
from nervesys.contract import PathTemplate
from nervesys.stores.archive import Archive, put_verified
from nervesys.stores.encryption import encrypted_file, key_for
from nervesys.stores.packing import ZstdFile

PACK_BYTES = 64 << 20
"""Size at which a pack is closed, before compression."""
PACK_FILES = 10_000
"""Number of contents at which a pack is closed: its line in a manifest stays below 1 MiB."""
LEVEL = 3
"""Of Zstandard: some 300 MB/s on one core; higher levels make contents a few percent smaller."""


def pack_tag(recipients: Sequence[str]) -> str:
    """How names of packs begin that these recipients can decrypt; empty for plain packs."""
    return f"{hashlib.sha256(' '.join(sorted(recipients)).encode()).hexdigest()[:8]}-" if recipients else ""


@with_config(extra="forbid")  # a field of a later release may say that more is needed
@dataclass(frozen=True)
class Pack:
    """A pack in the archive.

    Attributes:
        path: in the archive.
        bytes: its stored size.
        contents: sizes by SHA-256.
    """

    path: str
    bytes: int
    contents: dict[str, int]


@dataclass
class PackWriter:
    """Collects contents in a temporary file, and puts a pack into the archive whenever it is large enough.

    Attributes:
        archive: to write to.
        template: of the paths.
        recipients: of age encryption; plain if there are none.
        known: gets the contents of each pack once it is in the archive.
        packs: those written.
    """

    archive: Archive
    template: PathTemplate
    recipients: Sequence[str]
    known: KnownContents
    packs: list[Pack] = field(default_factory=list)
    _contents: dict[str, int] = field(default_factory=dict)
    _bytes: int = 0
    _files: "_PackFiles | None" = None

    def add(self, sha: str, content: IO[bytes]) -> None:
        """Add a content, unless the open pack has it."""
        if sha in self._contents:
            return
        member = tarfile.TarInfo(sha)
        member.size = content.seek(0, SEEK_END)
        content.seek(0)
        if self._bytes and (self._bytes + member.size > PACK_BYTES or len(self._contents) >= PACK_FILES):
            self.flush()
        if self._files is None:
            self._files = _PackFiles()
        self._files.tar.addfile(member, content)
        self._contents[sha] = member.size
        self._bytes += member.size

    def flush(self) -> None:
        """Put the open pack into the archive, and read it back.

        Raises:
            ArchiveUnavailable: it cannot be stored; the contents are given up.
        """
        if self._files is None:
            return
        self._files.finish()
        with encrypted_file(self._files.body, self.recipients) as whole:
            size = whole.seek(0, SEEK_END)  # part of the name: manifests name a pack of another size by its old one
            listed = "\n".join([str(size), *sorted(self._contents)])
            name = f"{pack_tag(self.recipients)}{hashlib.sha256(listed.encode()).hexdigest()[:32]}"
            path = key_for(self.template.build(object=name), self.recipients)
            put_verified(self.archive, path, whole)
        self.known.add(path, size, self._contents.items())
        self.packs.append(Pack(path, size, self._contents))
        self.discard()

    def discard(self) -> None:
        """Give up the open pack."""
        if self._files is not None:
            self._files.stack.close()
        self._contents, self._bytes, self._files = {}, 0, None


class _PackFiles:
    """The temporary file of a pack, and its writers."""

    def __init__(self) -> None:
        with ExitStack() as stack:
            self.body: IO[bytes] = stack.enter_context(TemporaryFile(prefix="nervesys-pack-"))
            self._zipped = stack.enter_context(ZstdFile(self.body, "wb", level=LEVEL))
            self.tar = stack.enter_context(tarfile.open(fileobj=cast("IO[bytes]", self._zipped), mode="w"))
            self.stack = stack.pop_all()

    def finish(self) -> None:
        """Write the ends of tar and Zstandard."""
        self.tar.close()
        self._zipped.close()

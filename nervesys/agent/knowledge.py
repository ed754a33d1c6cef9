"""What an agent learned, for all: on its disk at once, in its own object of the store soon, merged once a day."""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from nervesys.agent.identity import Identity
from nervesys.clock import Clock
from nervesys.contract.knowledge import NOTHING, Knowledge, contributed, join, kept, learned
from nervesys.errors import BadObject, NervesysError, Reason
from nervesys.settings.storage import StorePaths
from nervesys.stores.objects import ObjectReader, ObjectStore
from nervesys.workspace.disk import replace, told

OWN_BYTES = 1 << 20
"""Of what one agent has learned."""
MAX_BYTES = 64 << 20
"""Of any object that is read."""

log = logging.getLogger(__name__)


@dataclass
class Learning:
    """One agent's part of the shared knowledge.

    Attributes:
        me: the agent's name.
        path: of the file that holds its part.
        key: of the object that holds it.
        shared: key of what all agents know.
        store: that holds both.
        clock: of what is learned.
    """

    me: str
    path: Path
    key: str
    shared: str
    store: ObjectStore
    clock: Clock
    _own: Knowledge | None = None
    _there: bytes | None = None
    _lock: Lock = field(default_factory=Lock)

    def learn(self, key: str, value: Any) -> None:
        """Keep a value for all; it is on the disk when this returns.

        Raises:
            BadObject: the key is none, or the value is nothing that JSON can hold.
            NervesysError: it is too much, or the disk takes no more.
        """
        with self._lock, told(f"learn {key}"):
            own = join([self._read(), learned(self.me, key, value, self.clock())])
            body = own.contribution(self.me)
            if len(body) > OWN_BYTES:
                raise NervesysError(f"learn {key}: an agent keeps {OWN_BYTES} bytes of knowledge, and not {len(body)}")
            replace(self.path, body)
            self._own = own

    def all(self) -> dict[str, Any]:
        """What all agents learned, as of the last daily round, and this one until now.

        Raises:
            StoreUnavailable: the store does not answer.
            BadObject: what lies there cannot be read.
        """
        _, base = known(self.store, self.shared)
        with self._lock, told("read what was learned"):
            self._fetch()
            return join([base, self._read()]).tree()

    def sync(self) -> None:
        """Bring what is new into the store.

        Raises:
            StoreUnavailable: it stays on the disk.
            BadObject: another content lies in the store; it is not overwritten.
        """
        with self._lock, told("read what was learned"):
            if not self._read().said:
                return
            self._fetch()
            body = self._read().contribution(self.me)
        if body != self._there:
            self.store.put(self.key, body, content_type="application/json")
            self._there = body

    def _fetch(self) -> None:
        """What this agent learned on another server, once."""
        if self._there is None:
            there = _got(self.store, self.key)
            if there:
                self._own = join([self._read(), contributed(self.me, there, self.clock())])
            self._there = there

    def _read(self) -> Knowledge:
        if self._own is None:
            self._own = NOTHING
            try:
                if self.path.exists():
                    self._own = contributed(self.me, self.path.read_bytes(), self.clock())
            except BadObject as bad:
                self.path.replace(aside := self.path.with_suffix(".aside"))
                log.warning("what was learned here cannot be read, and is set aside: %s: %s", aside, bad)
        return self._own


def learning_of(me: Identity, store: ObjectStore, clock: Clock) -> Learning:
    """An agent's part of the shared knowledge."""
    paths = me.settings.storage.storj.paths
    return Learning(me.name, me.folder / "knowledge.json", me.key(paths.knowledge), shared_key(paths), store, clock)


def shared_key(paths: StorePaths) -> str:
    """Key of what all agents know; an older layout names a folder."""
    return f"{paths.shared}knowledge_base.json" if paths.shared.endswith("/") else paths.shared


def known(store: ObjectReader, key: str) -> tuple[bytes, Knowledge]:
    """What all agents know, and the object that says so; nothing where there is none.

    Raises:
        StoreUnavailable: the store does not answer.
        BadObject: what lies there cannot be read.
    """
    folder = "/".join([*key.split("/")[:-1], ""])
    times = {info.key: info.modified for info in store.list(folder, recursive=False).objects}
    if key not in times:
        return b"", NOTHING
    body = _got(store, key)
    try:
        return body, kept(body, times[key]) if body else NOTHING
    except BadObject as bad:
        raise BadObject(bad.reason, f"{key}: {bad.detail}; mend or delete it") from None


def _got(store: ObjectReader, key: str) -> bytes:
    """An object, or nothing where there is none."""
    try:
        return store.get(key, max_bytes=MAX_BYTES)
    except BadObject as bad:
        if bad.reason is Reason.GONE:
            return b""
        raise

"""An agent's part of the shared knowledge: written to its disk at once, to an object of its own soon, merged daily.

What it read last lies on its disk too, and is answered while the store is away.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from nervesys.agent.identity import Identity
from nervesys.clock import Clock
from nervesys.contract.knowledge import NOTHING, Knowledge, learn_value, merge, parse_contribution, parse_tree
from nervesys.errors import BadObject, NervesysError, Reason, StoreUnavailable
from nervesys.settings.storage import StorePaths
from nervesys.stores.encryption import decrypt_body, encrypt, is_encrypted
from nervesys.stores.objects import ObjectReader, ObjectStore
from nervesys.workspace.disk import describe_os_errors, replace

OWN_BYTES = 1 << 20
"""Limit of one agent's own knowledge."""
MAX_BYTES = 64 << 20
"""Limit of an object that is read."""

log = logging.getLogger(__name__)


@dataclass
class Learning:
    """One agent's part of the shared knowledge.

    Attributes:
        me: the agent's name.
        path: of the local file that holds its part.
        key: of the object that holds its part.
        shared: key of the merged knowledge of all agents.
        store: that holds both objects.
        clock: timestamps the values.
        recipients: of age encryption of the object; plain if there are none.
    """

    me: str
    path: Path
    key: str
    shared: str
    store: ObjectStore
    clock: Clock
    recipients: Callable[[], Sequence[str]] = tuple
    _own: Knowledge | None = None
    _base: Knowledge | None = None
    _away: bool = False
    _uploaded: tuple[bytes, bool] | None = None
    _lock: Lock = field(default_factory=Lock)

    def learn(self, key: str, value: Any) -> None:
        """Store a value for all agents; it is on the disk when this returns.

        Raises:
            BadObject: the key is invalid, or the value is not JSON.
            NervesysError: the agent's knowledge is too large, or it cannot be written to the disk.
        """
        with self._lock, describe_os_errors(f"learn {key}"):
            own = merge([self._read_own(), learn_value(self.me, key, value, self.clock())])
            body = own.contribution(self.me)
            if len(body) > OWN_BYTES:
                raise NervesysError(f"learn {key}: an agent may keep {OWN_BYTES} bytes of knowledge, not {len(body)}")
            replace(self.path, body)
            self._own = own

    def all(self) -> dict[str, Any]:
        """Values of all agents as of the last daily round, and this agent's own until now.

        While the store does not answer, or its objects cannot be parsed, it is what was read last, also by an earlier
        start; this agent's own values alone if nothing was ever read.

        Raises:
            BadObject: it is encrypted for others.
            NervesysError: the local files cannot be read.
        """
        try:
            base = read_shared(self.store, self.shared)[1]
            stored = self._fetch_stored()
        except (StoreUnavailable, BadObject) as err:
            if isinstance(err, BadObject) and err.reason is Reason.NO_IDENTITY:
                raise
            if not self._away:  # once for each outage: agents may ask often
                log.warning("shared knowledge is answered from the last copy: %s", err)
            self._away = True
            with self._lock, describe_os_errors("read what was learned"):
                return merge([self._read_copy(), self._read_own()]).tree()
        self._away = False
        with self._lock, describe_os_errors("read what was learned"):
            self._merge_stored(stored)
            self._keep_copy(base)
            return merge([base, self._read_own()]).tree()

    def sync(self) -> None:
        """Upload this agent's knowledge, if it changed.

        Raises:
            StoreUnavailable: it stays on the disk.
            BadObject: the agent's object in the store cannot be parsed; it is not overwritten.
        """
        with self._lock, describe_os_errors("read what was learned"):
            if not self._read_own().statements:
                return
        stored = self._fetch_stored()
        with self._lock, describe_os_errors("read what was learned"):
            self._merge_stored(stored)
            body = self._read_own().contribution(self.me)
        recipients = self.recipients()
        if (body, bool(recipients)) != self._uploaded:
            self.store.put(self.key, encrypt(body, recipients), content_type="application/json")
            self._uploaded = body, bool(recipients)

    def _fetch_stored(self) -> bytes | None:
        """What this agent has learned on another server; None if that was merged since the start."""
        return _get_or_empty(self.store, self.key) if self._uploaded is None else None

    def _merge_stored(self, raw: bytes | None) -> None:
        """Merge what `_fetch_stored` returned, once after the start."""
        if raw is not None and self._uploaded is None:
            if stored := decrypt_body(raw, self.key):
                self._own = merge([self._read_own(), parse_contribution(self.me, stored, self.clock())])
            self._uploaded = stored, is_encrypted(raw)

    @property
    def _copy(self) -> Path:
        return self.path.with_name("knowledge_base.json")

    def _keep_copy(self, base: Knowledge) -> None:
        """Keep what was read; a full disk costs only the copy for the next start."""
        if base != self._base:
            self._base = base
            try:
                replace(self._copy, base.body())
            except OSError as err:
                log.warning("no copy of the shared knowledge is kept: %s", err)

    def _read_copy(self) -> Knowledge:
        if self._base is None:
            try:
                self._base = parse_tree(self._copy.read_bytes(), self.clock()) if self._copy.exists() else NOTHING
            except BadObject as bad:
                log.warning("the copy of the shared knowledge cannot be parsed: %s", bad)
                self._base = NOTHING
        return self._base

    def _read_own(self) -> Knowledge:
        if self._own is None:
            self._own = NOTHING
            try:
                if self.path.exists():
                    self._own = parse_contribution(self.me, self.path.read_bytes(), self.clock())
            except BadObject as bad:
                self.path.replace(moved_to := self.path.with_suffix(".aside"))
                log.warning("the local knowledge file cannot be parsed, and is moved to %s: %s", moved_to, bad)
        return self._own


def open_learning(me: Identity, store: ObjectStore, clock: Clock) -> Learning:
    """An agent's part of the shared knowledge."""
    paths = me.settings.storage.storj.paths
    return Learning(
        me.name,
        me.folder / "knowledge.json",
        me.key(paths.knowledge),
        shared_key(paths),
        store,
        clock,
        lambda: me.settings.storage.encryption.shared_recipients,
    )


def shared_key(paths: StorePaths) -> str:
    """Key of the merged knowledge; in an older layout the setting names a folder."""
    return f"{paths.shared}knowledge_base.json" if paths.shared.endswith("/") else paths.shared


def read_shared(store: ObjectReader, key: str) -> tuple[bytes, Knowledge]:
    """Read the merged knowledge: the object's body as stored and its content, both empty if there is none.

    Raises:
        StoreUnavailable: the store does not answer.
        BadObject: the object cannot be parsed, or is encrypted for others.
    """
    folder = "/".join([*key.split("/")[:-1], ""])
    times = {info.key: info.modified for info in store.list(folder, recursive=False).objects}
    if key not in times:
        return b"", NOTHING
    body = _get_or_empty(store, key)
    try:
        return body, parse_tree(decrypt_body(body, key), times[key]) if body else NOTHING
    except BadObject as bad:
        if bad.reason is Reason.NO_IDENTITY:
            raise
        raise BadObject(bad.reason, f"{key}: {bad.detail}; repair or delete it") from None


def _get_or_empty(store: ObjectReader, key: str) -> bytes:
    """The body of an object; empty if there is none."""
    try:
        return store.get(key, max_bytes=MAX_BYTES)
    except BadObject as bad:
        if bad.reason is Reason.GONE:
            return b""
        raise

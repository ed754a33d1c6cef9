"""The audit trail of a program that is no agent: from its events to the disk, and to the store as an agent's logs.

Records wait in a buffer on the disk until the store has confirmed them. A full disk or a store that is away neither
blocks nor fails what is audited; both are counted.
"""

import logging
import socket
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from nervesys.agent.identity import Identity
from nervesys.agent.logs.buffer import LogBuffer
from nervesys.agent.logs.handler import BufferHandler
from nervesys.agent.logs.records import RecordEncoder
from nervesys.agent.logs.shipping import MB, Shipper
from nervesys.agent.loop import Loop
from nervesys.audit import AUDIT, LOGGER, AuditLog
from nervesys.clock import Clock, system_clock
from nervesys.contract import server_name
from nervesys.errors import BadObject, NervesysError
from nervesys.file_lock import FileLock
from nervesys.settings import AgentConfig, Settings
from nervesys.stores.objects import ObjectStore

PREFIX = "nervesys-"
"""Of the names under which programs ship, such as `nervesys-receiver`."""
COMMIT_SECONDS = 0.5
BUFFER = {"flush_interval_minutes": 1, "max_size_mb": 50}
LAST_SECONDS = 5.0
"""For the last shipment at the end of a program; what is left is shipped by its next start."""
INSTANCES = 20
"""Most processes of one program and home that have a trail each."""

log = logging.getLogger(__name__)


class AuditTrail:
    """Takes the events of this process; started and closed once.

    Args:
        me: the program in the form of an agent.
        store: that records are shipped to.
        clock: timestamps batches.
        audit: whose events they are.

    Raises:
        NervesysError: the buffer cannot be opened.
    """

    def __init__(self, me: Identity, store: ObjectStore, clock: Clock, audit: AuditLog = AUDIT) -> None:
        self._audit, config = audit, me.config.buffer
        encoder = RecordEncoder(me.name, me.instance_id, me.redactor)
        self._buffer = LogBuffer(me.folder / "audit.sqlite3", int(config.max_size_mb * MB), encoder.runs)
        self._shipper = Shipper(store, self._buffer, me, clock)
        self._handler = BufferHandler(self._buffer.append, me.redactor.text)
        self._logger = logging.getLogger(LOGGER)
        self._loops = (
            Loop("writing the audit trail", self.commit, lambda: COMMIT_SECONDS),
            Loop("shipping the audit trail", self.ship, self._shipper.pause, first=COMMIT_SECONDS),
        )

    def start(self) -> None:
        """Take events from now on, and begin to ship; those of an earlier run first."""
        self._logger.addHandler(self._handler)
        self._logger.propagate = False  # the program's own log is not flooded with accesses
        for loop in self._loops:
            loop.start()

    def commit(self) -> None:
        """Write what is new to the disk.

        Raises:
            NervesysError: it stays in memory, as far as there is room.
        """
        self._audit.flush()
        try:
            self._buffer.commit()
        except NervesysError:
            self._audit.failures["disk"] += 1
            raise
        finally:
            self._audit.lost = int(sum(self._buffer.state().dropped.values()))

    def ship(self) -> None:
        """Send what is on the disk.

        Raises:
            NervesysError: it stays on the disk.
        """
        try:
            self._shipper.ship()
        except NervesysError:
            self._audit.failures["store"] += 1
            raise

    def close(self) -> None:
        """Write everything to the disk, then ship it, for a few seconds at most."""
        for loop in self._loops:
            loop.stop()
        self._audit.flush(everything=True)
        self._logger.removeHandler(self._handler)
        self._logger.propagate = True
        writing, shipping = self._loops
        writing.run_now()
        last = threading.Thread(target=shipping.run_now, daemon=True)
        last.start()
        last.join(LAST_SECONDS)
        if not last.is_alive():
            self._buffer.close()


@contextmanager
def audit_trail(
    program: str,
    home: Path,
    settings: Settings,
    store: ObjectStore,
    environ: Mapping[str, str],
    clock: Clock = system_clock,
) -> Iterator[None]:
    """The trail of a program while the block runs; if it cannot be opened, the program runs without it, and warns.

    Args:
        program: its name, such as `receiver`.
        home: NERVESYS_HOME.
        settings: layout of the store, and encryption.
        store: that records are shipped to.
        environ: `NERVESYS_SERVER` names the host.
        clock: timestamps batches.
    """
    try:
        name, lock = _lock_folder(home / "audit", f"{PREFIX}{program}")
        trail = AuditTrail(_identify(name, home / "audit" / name, settings, environ, clock()), store, clock)
    except (NervesysError, OSError) as err:
        AUDIT.failures["disk"] += 1
        log.warning("the audit trail is not written: %s", err)
        yield
        return
    trail.start()
    try:
        yield
    finally:
        trail.close()
        lock.close()


def _lock_folder(folder: Path, name: str) -> tuple[str, FileLock]:
    """A name of which no other process of this home has the trail, since keys of two would collide.

    Raises:
        OSError: the folder cannot be written.
        NervesysError: there are too many processes.
    """
    for number in range(1, INSTANCES + 1):
        free = name if number == 1 else f"{name}-{number}"
        lock = FileLock(folder / free / "lock")
        if lock.acquire(wait=False):
            return free, lock
        lock.close()
    raise NervesysError(f"{folder}: {INSTANCES} processes have a trail of {name} already")


def _identify(name: str, folder: Path, settings: Settings, environ: Mapping[str, str], now: float) -> Identity:
    try:
        server = server_name(environ.get("NERVESYS_SERVER") or socket.gethostname())
    except BadObject:
        server = "localhost"
    config = AgentConfig.model_validate({"name": name, "buffer": BUFFER})
    return Identity(name, server, str(uuid.uuid4()), now, config, settings, folder)

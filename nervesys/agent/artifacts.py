"""The agent's client of artifacts: opened at its first use, or if requests of an earlier start are still pending."""

import threading
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from nervesys.agent.identity import Identity
from nervesys.artifacts.outbox import FILE
from nervesys.clock import Clock
from nervesys.contract.paths import SEALED
from nervesys.errors import NervesysError
from nervesys.stores.encryption import decrypt_body, encrypted_file

if TYPE_CHECKING:
    from nervesys.artifacts.client import Artifacts
    from nervesys.artifacts.delivery import Delivery


class AgeEncryption:
    """Encrypts contents as the settings ask for at the moment.

    Args:
        me: the agent.
    """

    def __init__(self, me: Identity) -> None:
        self._me = me

    @property
    def active(self) -> bool:
        """Whether there are recipients."""
        return bool(self._me.settings.storage.encryption.shared_recipients)

    def encrypted(self, content: IO[bytes]) -> AbstractContextManager[IO[bytes]]:
        """The encrypted content; the content itself if there are no recipients."""
        return encrypted_file(content, self._me.settings.storage.encryption.shared_recipients)

    def decrypt(self, stored: bytes, uri: str) -> bytes:
        """The content; one whose URI does not end in `.age` is an author's own, even if it is encrypted.

        Raises:
            BadObject: it is encrypted for others.
        """
        return decrypt_body(stored, uri) if uri.endswith(SEALED) else stored


class LazyArtifacts:
    """Opens the client of artifacts at its first use; its packages are an optional extra.

    Args:
        me: the agent.
        home: folder of all local files.
        clock: of all timestamps.
    """

    def __init__(self, me: Identity, home: Path, clock: Clock) -> None:
        self._me, self._home, self._clock = me, home, clock
        self._lock = threading.Lock()
        self._opened: tuple[Delivery, Artifacts] | None = None

    def client(self) -> "Artifacts":
        """The client, with this agent's rights.

        Raises:
            NervesysError: the agent has no token, or a package is not installed; the message names the extra.
        """
        return self._open_once()[1]

    def sync(self) -> None:
        """Send pending requests to the service, also those of an earlier start.

        Raises:
            NervesysError: a request failed; it and all after it stay pending.
        """
        if self._opened or (self._me.folder / FILE).exists():
            self._open_once()[0].sync()

    def close(self) -> None:
        """Close the client, if it was opened."""
        if self._opened:
            self._opened[0].close()

    def _open_once(self) -> "tuple[Delivery, Artifacts]":
        with self._lock:
            if self._opened is None:
                try:
                    from nervesys.artifacts.open_artifacts import open_artifacts, open_delivery  # of another extra
                except ModuleNotFoundError as err:
                    raise NervesysError(
                        f"artifacts need the package {err.name}: pip install 'nervesys-observability[artifacts]'"
                    ) from err
                me = self._me
                delivery = open_delivery(me.name, me.folder / FILE, self._home, me.settings, self._clock)
                self._opened = (
                    delivery,
                    open_artifacts(me.name, delivery, self._home, me.settings, self._clock, AgeEncryption(me)),
                )
            return self._opened

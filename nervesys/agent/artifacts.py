"""The agent's way to artifacts: opened when it is first used, or where an earlier start left something to say."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from nervesys.agent.identity import Identity
from nervesys.artifacts.outbox import FILE
from nervesys.clock import Clock
from nervesys.errors import NervesysError

if TYPE_CHECKING:
    from nervesys.artifacts.client import Artifacts
    from nervesys.artifacts.delivery import Delivery


class OpenedArtifacts:
    """Artifacts, once somebody wants them; what they need is an extra of its own.

    Args:
        me: whose.
        home: of this machine.
        clock: of all timestamps.
    """

    def __init__(self, me: Identity, home: Path, clock: Clock) -> None:
        self._me, self._home, self._clock = me, home, clock
        self._lock = threading.Lock()
        self._opened: tuple[Delivery, Artifacts] | None = None

    def opened(self) -> "Artifacts":
        """Artifacts, as this agent sees them.

        Raises:
            NervesysError: the agent has no token, or a package is not installed; says which extra holds it.
        """
        return self._open()[1]

    def sync(self) -> None:
        """Tell the service what waits, be it from an earlier start.

        Raises:
            NervesysError: the rest waits on.
        """
        if self._opened or (self._me.folder / FILE).exists():
            self._open()[0].sync()

    def close(self) -> None:
        """Release what was opened."""
        if self._opened:
            self._opened[0].close()

    def _open(self) -> "tuple[Delivery, Artifacts]":
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
                self._opened = delivery, open_artifacts(me.name, delivery, self._home, me.settings, self._clock)
            return self._opened

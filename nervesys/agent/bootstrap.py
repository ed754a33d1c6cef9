"""The agent's local copy of the brain: read at its start and while it runs; the last good copy if the brain is away."""

import logging
from collections.abc import Mapping, Sequence

from nervesys.clock import Clock
from nervesys.contract import BrainCopy
from nervesys.errors import BrainUnavailable
from nervesys.settings import Loaded, StartupSettings, Tree
from nervesys.stores.brain import GitBrain
from nervesys.stores.encryption import FILE, set_identity
from nervesys.stores.open_brain import open_brain, open_folder
from nervesys.stores.open_stores import Configuration
from nervesys.stores.reload import Reloader
from nervesys.stores.trees import EmptyTree, check_configured

DEPTH = 1
"""An agent needs the newest commit only."""
START_TIMEOUT_SECONDS = 5.0
"""For the brain at the start, if there is a local copy."""

log = logging.getLogger(__name__)


class LocalBrain:
    """An agent's copy of the brain; implements `Tree` over its files.

    Args:
        agent: its name; of the fleet's files, only its own is read.
        place: names the brain.
        environ: environment variables.
        clock: timestamps each read of the brain.

    Raises:
        SettingsError: the configuration is wrong.
        BrainUnavailable: the brain cannot be read and there is no earlier copy.
    """

    def __init__(self, agent: str, place: StartupSettings, environ: Mapping[str, str], clock: Clock) -> None:
        self.place, self.status = place, BrainCopy()
        self._agent, self._environ, self._clock = agent, environ, clock
        self._program = f"agent-{agent}"
        self._brain = open_brain(place, self._program, environ=environ, depth=DEPTH)
        self._tree: Tree = EmptyTree()
        self._reloader = Reloader()
        if (outdated := self._pull(START_TIMEOUT_SECONDS)) is not None:
            log.warning("%s", outdated)
        self.loaded = self._load()
        """Settings and fleet, as last read."""

    def as_opened(self) -> Configuration:
        """The copy in the form in which programs open the brain."""
        return Configuration(self.place, self, self.loaded)

    def open_for_push(self) -> GitBrain | None:
        """The brain's repository for pushing; None if it is a plain folder."""
        return open_brain(self.place, self._program, self.loaded.settings.storage.brain, self._environ, depth=DEPTH)

    def refresh(self) -> Loaded:
        """Read the brain anew.

        Raises:
            BrainUnavailable: what was read last stays.
            SettingsError: the new configuration is wrong; what was read last stays.
        """
        if (outdated := self._pull()) is not None:
            raise BrainUnavailable(outdated)
        self.loaded = self._load()
        return self.loaded

    def read(self, path: str) -> bytes | None:
        return self._tree.read(path)

    def names(self, folder: str) -> Sequence[str]:
        return self._tree.names(folder)

    def _pull(self, timeout: float | None = None) -> str | None:
        """Update the copy; returns why it may be outdated, or None."""
        if self._brain is None:
            folder = open_folder(self.place)
            check_configured(folder, str(folder.root))
            self._tree, self.status = folder, BrainCopy(checked_at=self._clock())
            return None
        newest = self._brain.newest(timeout)
        self._tree = newest.tree
        self.status = BrainCopy(
            commit=getattr(newest.tree, "commit", None),
            checked_at=self.status.checked_at if newest.outdated else self._clock(),
            reachable=newest.outdated is None,
        )
        return newest.outdated

    def _load(self) -> Loaded:
        loaded = self._reloader.load(self._tree, profile=self.place.profile, environ=self._environ, only=self._agent)
        set_identity(loaded.settings.storage.encryption.identity, self._environ.get(FILE))
        return loaded

"""What an agent knows of the brain: read at its start, and again while it runs; the last good copy where it is away."""

import logging
from collections.abc import Mapping, Sequence

from nervesys.clock import Clock
from nervesys.contract import BrainCopy
from nervesys.errors import BrainUnavailable
from nervesys.settings import Loaded, StartupSettings, Tree, load
from nervesys.stores.brain import GitBrain, open_brain, open_folder
from nervesys.stores.open_stores import Configuration
from nervesys.stores.sealing import FILE, hold
from nervesys.stores.trees import EmptyTree

DEPTH = 1
"""An agent asks what is, never what was."""
PATIENCE_SECONDS = 5.0
"""That a start waits for a brain of which there is a copy."""

log = logging.getLogger(__name__)


class Copy:
    """An agent's copy of the brain; it stands for the brain's files itself.

    Args:
        program: whose mirror it is.
        place: names the brain.
        environ: environment variables.
        clock: dates the looks at the brain.

    Raises:
        SettingsError: the configuration is wrong.
        BrainUnavailable: the brain cannot be read and no earlier copy is there.
    """

    def __init__(self, program: str, place: StartupSettings, environ: Mapping[str, str], clock: Clock) -> None:
        self.place, self.said = place, BrainCopy()
        self._program, self._environ, self._clock = program, environ, clock
        self._brain = open_brain(place, program, environ=environ, depth=DEPTH)
        self._tree: Tree = EmptyTree()
        if (outdated := self._pull(PATIENCE_SECONDS)) is not None:
            log.warning("%s", outdated)
        self.loaded = self._load()
        """Settings and fleet, as last read."""

    def opened(self) -> Configuration:
        """What an agent starts from."""
        return Configuration(self.place, self, self.loaded)

    def pushing(self) -> GitBrain | None:
        """The brain as what agents write to; None where it is a plain folder."""
        return open_brain(self.place, self._program, self.loaded.settings.storage.brain, self._environ, depth=DEPTH)

    def refresh(self) -> Loaded:
        """Read the brain anew.

        Raises:
            BrainUnavailable: what was read last stays.
            SettingsError: what stands there now is wrong; what was read last stays.
        """
        if (outdated := self._pull()) is not None:
            raise BrainUnavailable(outdated)
        self.loaded = self._load()
        return self.loaded

    def read(self, path: str) -> bytes | None:
        return self._tree.read(path)

    def names(self, folder: str) -> Sequence[str]:
        return self._tree.names(folder)

    def _pull(self, patience: float | None = None) -> str | None:
        """Bring the copy up to date; says why it may be outdated."""
        if self._brain is None:
            self._tree, self.said = open_folder(self.place), BrainCopy(checked_at=self._clock())
            return None
        newest = self._brain.newest(patience)
        self._tree = newest.tree
        self.said = BrainCopy(
            commit=getattr(newest.tree, "commit", None),
            checked_at=self.said.checked_at if newest.outdated else self._clock(),
            reachable=newest.outdated is None,
        )
        return newest.outdated

    def _load(self) -> Loaded:
        loaded = load(self._tree, profile=self.place.profile, environ=self._environ)
        hold(loaded.settings.storage.encryption.identity, self._environ.get(FILE))
        return loaded

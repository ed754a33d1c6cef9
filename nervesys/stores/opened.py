"""What every program starts from: a place, a brain, checked settings."""

from collections.abc import Mapping
from dataclasses import dataclass

from nervesys.settings import Loaded, Place, Tree, load
from nervesys.stores.brain import open_tree


@dataclass(frozen=True)
class Opened:
    """A brain that was read and found right.

    Attributes:
        place: where the program lives.
        tree: the brain's files.
        loaded: settings and fleet.
    """

    place: Place
    tree: Tree
    loaded: Loaded


def opened(
    program: str,
    environ: Mapping[str, str],
    *,
    home: str | None = None,
    brain: str | None = None,
    archive: str | None = None,
) -> Opened:
    """Open the brain for a program and load the settings.

    Args:
        program: its name; a Git brain is mirrored for each program apart.
        environ: environment variables.
        home: flag that wins over `NERVESYS_HOME`.
        brain: flag that wins over `NERVESYS_BRAIN`.
        archive: flag that wins over `NERVESYS_ARCHIVE`.

    Raises:
        SettingsError: the configuration is wrong.
        BrainUnavailable: the brain cannot be read and no earlier copy is there.
    """
    place = Place.of(environ, home, brain)
    tree = open_tree(place, program, environ=environ)
    flags = {"NERVESYS_ARCHIVE": archive} if archive else {}
    return Opened(place, tree, load(tree, profile=place.profile, environ=environ, flags=flags))

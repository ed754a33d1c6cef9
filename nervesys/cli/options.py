"""Options that several commands share, and what they lead to: a place, a brain, checked settings."""

import os
from dataclasses import dataclass
from typing import Annotated

import typer

from nervesys.settings import Loaded, Place, Tree, load
from nervesys.stores.brain import open_tree

Home = Annotated[
    str | None, typer.Option("--home", metavar="DIR", help="Folder of everything kept (NERVESYS_HOME; .nervesys).")
]
BrainUrl = Annotated[
    str | None,
    typer.Option("--brain", metavar="URL|DIR", help="The brain (NERVESYS_BRAIN; default: the shipped example)."),
]
ArchiveUrl = Annotated[
    str | None, typer.Option("--archive", metavar="URL", help="file:///path or gdrive://FOLDER_ID (NERVESYS_ARCHIVE).")
]


@dataclass(frozen=True)
class Opened:
    """What a program starts from."""

    place: Place
    tree: Tree
    loaded: Loaded


def opened(program: str, *, home: str | None = None, brain: str | None = None, archive: str | None = None) -> Opened:
    """Open the brain for a program and load the settings.

    Raises:
        SettingsError: the configuration is wrong.
        BrainUnavailable: the brain cannot be read and no earlier copy is there.
    """
    place = Place.of(os.environ, home, brain)
    tree = open_tree(place, program)
    flags = {"NERVESYS_ARCHIVE": archive} if archive else {}
    return Opened(place, tree, load(tree, profile=place.profile, environ=os.environ, flags=flags))

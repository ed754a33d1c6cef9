"""Options that several commands share, and what they lead to: a place, a brain, checked settings."""

import os
from typing import Annotated

import typer

from nervesys.settings.monitoring import address
from nervesys.stores import opened as stores
from nervesys.stores.opened import Opened

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
Wait = Annotated[
    float, typer.Option("--wait", metavar="SECONDS", help="Ask again until all is as it should be, at most so long.")
]


def _address(said: str | None) -> str | None:
    try:
        return said and address(said)
    except ValueError as err:
        raise typer.BadParameter(str(err)) from err


ListenAt = Annotated[
    str | None,
    typer.Option("--listen", metavar="HOST:PORT", help="Where to serve (see monitoring.yaml).", callback=_address),
]


def opened(program: str, *, home: str | None = None, brain: str | None = None, archive: str | None = None) -> Opened:
    """Open the brain for a program and load the settings, environment included.

    Raises:
        SettingsError: the configuration is wrong.
        BrainUnavailable: the brain cannot be read and no earlier copy is there.
    """
    return stores.opened(program, os.environ, home=home, brain=brain, archive=archive)

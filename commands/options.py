"""Options that several commands share, and the settings that are loaded with them."""

import os
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from nervesys.settings import Tree
from nervesys.settings.monitoring import address
from nervesys.stores import open_stores as stores
from nervesys.stores.open_stores import Configuration

Home = Annotated[
    str | None,
    typer.Option("--home", metavar="DIR", help="Folder for all local data (NERVESYS_HOME; default: .nervesys)."),
]
BrainUrl = Annotated[
    str | None,
    typer.Option(
        "--brain",
        metavar="URL|DIR",
        help="The brain: a Git repository or a folder (NERVESYS_BRAIN; default: the shipped example).",
    ),
]
ArchiveUrl = Annotated[
    str | None,
    typer.Option(
        "--archive", metavar="URL", help="The archive: file:///path or gdrive://FOLDER_ID (NERVESYS_ARCHIVE)."
    ),
]
Wait = Annotated[
    float, typer.Option("--wait", metavar="SECONDS", help="Retry until everything passes, for at most this long.")
]


def _address(value: str | None) -> str | None:
    try:
        return value and address(value)
    except ValueError as err:
        raise typer.BadParameter(str(err)) from err


ListenAt = Annotated[
    str | None,
    typer.Option(
        "--listen",
        metavar="HOST:PORT",
        help="Address to serve on (default: that of monitoring.yaml).",
        callback=_address,
    ),
]


def _web_url(value: str | None) -> str | None:
    if value and not value.startswith(("http://", "https://")):
        raise typer.BadParameter("must be a URL such as http://127.0.0.1:9090")
    return value


PrometheusUrl = Annotated[
    str | None,
    typer.Option(
        "--prometheus", metavar="URL", help="Prometheus to query (default: the configured one).", callback=_web_url
    ),
]


def open_settings(
    program: str,
    *,
    home: str | None = None,
    brain: str | None = None,
    archive: str | None = None,
    also: Sequence[Callable[[Tree], object]] = (),
) -> Configuration:
    """Load the settings of a program, with the environment of this process: `open_stores.load_configuration`.

    Raises:
        SettingsError: the configuration is wrong.
        BrainUnavailable: the brain cannot be read and no earlier copy is there.
    """
    return stores.load_configuration(program, os.environ, home=home, brain=brain, archive=archive, also=also)

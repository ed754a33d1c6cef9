"""Options that several commands share, and the settings that are loaded with them."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from nervesys.settings import StartupSettings, Tree
from nervesys.settings.env_files import load_env_files
from nervesys.settings.monitoring import address
from nervesys.stack.layout import NoStack, Stack
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
ReceiverFile = Annotated[
    Path | None,
    typer.Option(
        "--receiver-file",
        metavar="FILE",
        envvar="NERVESYS_RECEIVER_FILE",
        help="The receiver's local file (NERVESYS_RECEIVER_FILE; default: HOME/receiver.yaml).",
    ),
]
Wait = Annotated[
    float, typer.Option("--wait", metavar="SECONDS", help="Retry until everything passes, for at most this long.")
]


def checked_address(value: str | None) -> str | None:
    """The value of an option with an address, as it is.

    Raises:
        typer.BadParameter: it is not `HOST:PORT`.
    """
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
        callback=checked_address,
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


def stack_environment(home: str | None, brain: str | None) -> dict[str, str]:
    """The environment of this process; with that of the stack of this home, unless a brain or a store is named.

    Args:
        home: flag that wins over `NERVESYS_HOME`.
        brain: flag that names a brain.
    """
    own = dict(os.environ)
    if brain or "NERVESYS_BRAIN" in own or any(name.startswith("STORJ_") for name in own):
        return own
    try:
        return own | Stack.load(StartupSettings.of(own, home).home).environ
    except NoStack:
        return own


def open_settings(
    program: str,
    *,
    home: str | None = None,
    brain: str | None = None,
    archive: str | None = None,
    also: Sequence[Callable[[Tree], object]] = (),
    checkout: bool = False,
    or_earlier: bool = False,
) -> Configuration:
    """Load the settings of a program: `open_stores.load_configuration`.

    The environment is that of this process; commands find the stack of their home by themselves.

    Raises:
        SettingsError: the configuration is wrong.
        BrainUnavailable: the brain cannot be read and no earlier copy is there.
    """
    if home:
        load_env_files(home=home)
    return stores.load_configuration(
        program,
        stack_environment(home, brain),
        home=home,
        brain=brain,
        archive=archive,
        also=also,
        checkout=checkout,
        or_earlier=or_earlier,
    )

"""The command line `nervesys`: the one place that composes the wings.

Each command group is one module of this package, loaded when it is called, so that an install with one extra needs
nothing of the others.
"""

import sys
from importlib import import_module

import typer
from rich.console import Console
from typer.core import TyperGroup

from nervesys import __version__
from nervesys.errors import NervesysError, SettingsError

COMMANDS: dict[str, tuple[str, str]] = {
    # command: (module in this package, its line in the help)
    "config": ("config", "Check the configuration, and see where each value comes from."),
    "exporter": ("exporter", "Serve one source as Prometheus metrics: store, archive or brain."),
}
"""Every command; adding one is a module and a line here."""

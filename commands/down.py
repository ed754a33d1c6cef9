"""`nervesys down`: stop the stack."""

import os
from contextlib import suppress

import typer
from rich.console import Console

from commands.options import Home
from nervesys.plural import count
from nervesys.settings import StartupSettings
from nervesys.stack import daemon
from nervesys.stack.layout import NoStack, Stack

app = typer.Typer()


@app.command()
def down(home: Home = None) -> None:
    """Stop every process that `up` started, and nothing else. Data under NERVESYS_HOME stays.

    Processes are found even if NERVESYS_HOME was deleted while they ran. Exits with 0 if nothing was running.
    """
    out = Console()
    folder = StartupSettings.of(os.environ, home).home
    with out.status("Stopping: agents ship their logs and report `stopped` …"):
        ended = 0
        with suppress(NoStack):
            stack = Stack.load(folder)
            ended = daemon.stop(stack)
            daemon.remove_socket(stack)
        ended += daemon.stop_home(folder)
    out.print(
        f"[green]✓[/] {count(ended, 'process', 'processes')} stopped." if ended else "Nothing was running.",
        highlight=False,
    )

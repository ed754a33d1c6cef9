"""`nervesys down`: stop the stack."""

import typer
from rich.console import Console

from commands.local import stack_of
from commands.options import Home
from nervesys.plural import count
from nervesys.stack import daemon

app = typer.Typer()


@app.command()
def down(home: Home = None) -> None:
    """Stop every process that `up` started, and nothing else. Data under NERVESYS_HOME stays."""
    out = Console()
    stack = stack_of(home)
    with out.status("Stopping: agents ship their logs and report `stopped` …"):
        ended = daemon.stop(stack)
        daemon.remove_socket(stack)
    out.print(
        f"[green]✓[/] {count(ended, 'process', 'processes')} stopped." if ended else "Nothing was running.",
        highlight=False,
    )

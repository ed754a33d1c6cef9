"""`nervesys logs`: what the processes of the stack say."""

import os
from typing import Annotated

import typer

from nervesys.cli.local import stack_of
from nervesys.cli.options import Home
from nervesys.errors import NervesysError

app = typer.Typer(help="Print the logs of the stack.")


@app.command()
def logs(
    name: Annotated[str | None, typer.Argument(help="One service or agent; all where none is named.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on printing what comes.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many of the last lines of each.")] = 20,
    home: Home = None,
) -> None:
    """Print the last lines of one log, or of all."""
    stack = stack_of(home)
    names = [stack.service(name).name] if name else [service.name for service in stack.services]
    files = [str(log) for log in map(stack.log, names) if log.is_file()]
    if not files:
        raise NervesysError(f"print the log of {', '.join(names)}: nothing was written yet")
    os.execvp("tail", ["tail", f"--lines={lines}", *(["--follow=name"] if follow else []), "--", *files])  # noqa: S606, S607

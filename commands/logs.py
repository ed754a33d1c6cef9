"""`nervesys logs`: print the logs of the stack's processes."""

import os
from typing import Annotated

import typer

from commands.local import stack_of
from commands.options import Home
from nervesys.errors import NervesysError

app = typer.Typer()


@app.command()
def logs(
    name: Annotated[
        str | None, typer.Argument(help="A service or agent, as `nervesys status` names it; default: all.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep printing new lines, until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="Number of lines of each log.")] = 20,
    home: Home = None,
) -> None:
    """Print the last lines of one log, or of all logs; for example `nervesys logs receiver --follow`."""
    stack = stack_of(home)
    names = [stack.service(name).name] if name else [service.name for service in stack.services]
    files = [str(log) for log in map(stack.log, names) if log.is_file()]
    if not files:
        raise NervesysError(f"print the log of {', '.join(names)}: no log was written yet")
    os.execvp("tail", ["tail", f"--lines={lines}", *(["--follow=name"] if follow else []), "--", *files])  # noqa: S606, S607

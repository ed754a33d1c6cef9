"""`nervesys agent`: run one lean agent."""

import os
import signal
import time
from functools import partial
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperCommand

from nervesys.agent import Agent, demo
from nervesys.agent.child import Program, ProgramFailed
from nervesys.agent.revive import revived
from nervesys.cli.due import reports_due
from nervesys.cli.options import BrainUrl, Home
from nervesys.cli.waiting import awaited
from nervesys.clock import system_clock
from nervesys.settings import Place

Name = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME",
        help="The agent; the brain holds its config/agents/NAME.yaml (NERVESYS_AGENT; the machine's own name).",
    ),
]


class Wrapping(TyperCommand):
    """Leaves what stands behind `--` to the other program: none of it is the agent's NAME."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words before `--`; add those behind it to the command."""
        at = args.index("--") if "--" in args else len(args)
        rest = super().parse_args(ctx, args[:at])
        ctx.params["command"] = [*(ctx.params.get("command") or ()), *args[at + 1 :]]
        return rest


app = typer.Typer(no_args_is_help=True, help="Run a lean agent: heartbeats, server metrics and logs.")


@app.callback()
def _group() -> None:
    """Run a lean agent: heartbeats, server metrics and logs."""


@app.command(cls=Wrapping)
def run(
    name: Name = None,
    home: Home = None,
    brain: BrainUrl = None,
    server: Annotated[
        str | None, typer.Option("--server", help="Name of this host (NERVESYS_SERVER; the machine's own name).")
    ] = None,
    workload: Annotated[
        bool | None,
        typer.Option("--demo/--no-demo", help="Make believable work (default: what agent.workload in the brain says)."),
    ] = None,
    wrap: Annotated[bool, typer.Option("--exec", help="Be the program that COMMAND starts, in any language.")] = False,
    command: Annotated[
        list[str] | None, typer.Argument(metavar="-- COMMAND", help="With --exec: the program and its arguments.")
    ] = None,
) -> None:
    """Be one agent until SIGTERM or Ctrl-C: then flush, ship, say `stopped`, and exit 0 within ten seconds.

    NAME is that of the agent; where nobody gives one, NERVESYS_AGENT, then this machine's own name up to its first dot.
    The brain says who it is (config/agents/NAME.yaml) and where the store is; STORJ_ACCESS_KEY and STORJ_SECRET_KEY
    open it. By itself the agent only lives; with --demo it makes up work to look at. In your own program:
    `from nervesys.agent import Agent`, then `with Agent("NAME") as agent:`.

    With --exec, a program in any language is the agent: `nervesys agent run NAME --exec -- ./review --fast`. Each line
    that it prints is shipped as a log record, SIGTERM is passed on to it, and its end is the agent's: exit 0 is
    `stopped`, anything else is a crash, whose exit code is passed on.
    """
    if wrap != bool(command):
        raise typer.BadParameter("--exec and a command go together: --exec -- COMMAND ARGUMENT...")
    program = Program(command) if command else None
    try:
        reports = partial(reports_due, home=home, brain=brain)
        with awaited(lambda: Agent(name, home=home, brain=brain, server=server, reports=reports)) as agent:
            if program:
                return program.run(agent)
            if workload if workload is not None else agent.me.config.workload == "demo":
                demo.work(agent)
            while True:
                signal.pause()
    except ProgramFailed as err:
        typer.echo(err, err=True)
        raise typer.Exit(err.code) from None


@app.command()
def restore(
    name: Name = None,
    home: Home = None,
    brain: BrainUrl = None,
    server: Annotated[str | None, typer.Option("--server", help="Name of this host.")] = None,
) -> None:
    """Bring an agent's databases back onto this host, as their newest copies in the store are.

    An agent does so by itself when its program opens a database; this is for having them ready before it starts, or for
    looking at them elsewhere (--home FOLDER). A file here that has grown from the newest copy stays as it is; another
    one is set aside, never deleted. Refused while the agent runs here.
    """
    console = Console(soft_wrap=True, highlight=False)
    began, found = time.monotonic(), False
    with console.status("asking the store"):
        for path in revived(name, Place.of(os.environ, home, brain), server, os.environ, system_clock):
            found = True
            console.print(f"{time.monotonic() - began:5.1f} s  {path}: {path.stat().st_size} bytes", markup=False)
    if not found:
        console.print(f"the store keeps no database of {name or 'this agent'}", markup=False)

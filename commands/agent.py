"""`nervesys agent`: run one agent, read its logs, tasks and messages, or restore its databases."""

import os
import signal
import time
from functools import partial
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from commands import agent_logs, agent_messages, agent_workspace
from commands.audit_trail import CLI, audited
from commands.console import open_console
from commands.due_reports import write_due_reports_apart
from commands.options import BrainUrl, Home, open_settings
from commands.waiting import wait_for_brain
from nervesys.agent import Agent, demo
from nervesys.agent.replication.restore_databases import restore_databases
from nervesys.agent.wrapped_process import ProgramFailed, WrappedProgram
from nervesys.clock import system_clock
from nervesys.plural import count
from nervesys.settings import StartupSettings

Name = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME",
        help="The agent, configured by config/agents/NAME.yaml in the brain (NERVESYS_AGENT; default: the host name).",
    ),
]


class Wrapping(TyperCommand):
    """Passes everything after `--` to the wrapped program, so that none of it is taken for NAME."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments before `--`; append those after it to the command."""
        at = args.index("--") if "--" in args else len(args)
        rest = super().parse_args(ctx, args[:at])
        ctx.params["command"] = [*(ctx.params.get("command") or ()), *args[at + 1 :]]
        return rest


app = typer.Typer(no_args_is_help=True)
app.command()(agent_logs.logs)
app.command()(agent_logs.tasks)
app.add_typer(agent_workspace.app, name="workspace")
app.command()(agent_messages.messages)


@app.command(cls=Wrapping)
def run(
    name: Name = None,
    home: Home = None,
    brain: BrainUrl = None,
    server: Annotated[
        str | None, typer.Option("--server", help="Name of this host (NERVESYS_SERVER; default: the host name).")
    ] = None,
    workload: Annotated[
        bool | None,
        typer.Option("--demo/--no-demo", help="Simulate work (default: agent.workload in the brain)."),
    ] = None,
    wrap: Annotated[bool, typer.Option("--exec", help="Run COMMAND, a program in any language, as the agent.")] = False,
    command: Annotated[
        list[str] | None, typer.Argument(metavar="-- COMMAND", help="With --exec: the program and its arguments.")
    ] = None,
) -> None:
    """Run one agent until SIGTERM or Ctrl-C; then ship its logs, report `stopped`, and exit 0 within ten seconds.

    Without NAME, the agent is named by NERVESYS_AGENT, or else by the host name up to its first dot. The brain
    configures it (config/agents/NAME.yaml) and names the store; STORJ_ACCESS_KEY and STORJ_SECRET_KEY are the store's
    credentials. By itself the agent only sends heartbeats and metrics; with --demo it also simulates work. In your own
    Python program: `from nervesys.agent import Agent`, then `with Agent("NAME") as agent:`.

    With --exec, a program in any language is the agent: `nervesys agent run NAME --exec -- ./review --fast`. Each line
    that it prints is shipped as a log record, what it sends by OpenTelemetry is received on a port of this host (with
    the extra `otel`), and SIGTERM is forwarded to it. When it exits with 0 the agent is
    `stopped`; any other exit code counts as a crash, and is the exit code of this command too.
    """
    if wrap != bool(command):
        raise typer.BadParameter("--exec and a command go together: --exec -- COMMAND ARGUMENT...")
    program = WrappedProgram(command) if command else None
    try:
        reports = partial(write_due_reports_apart, home=home, brain=brain)
        with wait_for_brain(lambda: Agent(name, home=home, brain=brain, server=server, reports=reports)) as agent:
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
    """Restore an agent's databases on this host from their newest copies in the store.

    An agent does this by itself when its program opens a database. Use this command to have the databases ready before
    the agent starts, or to inspect them elsewhere (--home FOLDER). A local file that continues the newest copy is kept;
    any other local file is moved aside, never deleted. Refused while the agent runs on this host.
    """
    console = open_console(soft_wrap=True, highlight=False)
    start, found = time.monotonic(), False
    base = open_settings("agent-restore", home=home, brain=brain)
    with audited(CLI, base.place, base.loaded.settings), console.status("Reading the store"):
        for path in restore_databases(
            name, StartupSettings.of(os.environ, home, brain), server, os.environ, system_clock
        ):
            found = True
            console.print(
                f"{time.monotonic() - start:5.1f} s  {path}: {count(path.stat().st_size, 'byte')}", markup=False
            )
    if not found:
        console.print(f"The store has no database of {name or 'this agent'}.", markup=False)

"""`nervesys logs`: print the logs of the stack's processes, and serve the agents' logs to Grafana."""

import os
from functools import partial
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from commands.local import stack_of
from commands.options import ArchiveUrl, BrainUrl, Home, ListenAt, open_settings
from commands.waiting import wait_for_brain
from nervesys.clock import system_clock
from nervesys.errors import NervesysError
from nervesys.settings import Loaded
from nervesys.settings.monitoring import Monitoring

SHOW = "show"


class ShowByDefault(TyperGroup):
    """Takes arguments that name no subcommand for those of `show`: `nervesys logs receiver --follow`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments."""
        named = bool(args) and (args[0] in self.commands or args[0] == "--help")
        return super().parse_args(ctx, args if named else [SHOW, *args])


app = typer.Typer(cls=ShowByDefault)


@app.command(SHOW)
def show(
    name: Annotated[
        str | None, typer.Argument(help="A service or agent, as `nervesys status` names it; default: all.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep printing new lines, until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="Number of lines of each log.")] = 20,
    home: Home = None,
) -> None:
    """Print the last lines of one log, or of all logs; `show` may be left out: `nervesys logs receiver --follow`.

    These are the logs of the stack's processes on this machine; what agents ship is printed by `nervesys agent logs`.
    """
    stack = stack_of(home)
    names = [stack.service(name).name] if name else [service.name for service in stack.services]
    files = [str(log) for log in map(stack.log, names) if log.is_file()]
    if not files:
        raise NervesysError(f"print the log of {', '.join(names)}: no log was written yet")
    os.execvp("tail", ["tail", f"--lines={lines}", *(["--follow=name"] if follow else []), "--", *files])  # noqa: S606, S607


@app.command()
def serve(
    listen: ListenAt = None,
    home: Home = None,
    brain: BrainUrl = None,
    archive: ArchiveUrl = None,
) -> None:
    """Serve the agents' logs by Loki's API for reading, from store and archive, until SIGTERM.

    Grafana reads it as a data source of type Loki, which `nervesys dashboards build` provisions. For a look by hand:
    `curl -G http://127.0.0.1:17012/loki/api/v1/query_range --data-urlencode 'query={agent="grok"} |= "error"'`.
    """
    from commands.audit_trail import audited
    from commands.not_ready_app import serve_not_ready  # not at the top: `logs show` needs no web server
    from nervesys.metrics.pages import application
    from nervesys.metrics.pages import serve as serve_application

    def address(table: Monitoring) -> str:
        return listen or table.listen.logs

    start = wait_for_brain(
        lambda: open_settings("logs", home=home, brain=brain, archive=archive, or_earlier=True),
        partial(serve_not_ready, address),
    )
    loaded = start.loaded
    monitoring = loaded.settings.monitoring
    app = application(_program(loaded), monitoring.web)
    with audited("logs", start.place, loaded.settings):
        serve_application(app, address(monitoring), monitoring.web, monitoring.hosts)


def _program(loaded: Loaded) -> Any:
    from nervesys.logs.loki.program import logs_program

    return logs_program(loaded, system_clock)

"""`nervesys up`: the whole stack on this machine."""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from commands import demo_history, plan
from commands.dashboards import asked_live
from commands.generated import write
from commands.options import ArchiveUrl, BrainUrl, Home
from commands.poll import settled
from dashboards.build import pages
from nervesys.clients.prometheus import Prometheus
from nervesys.clients.supervisor import Supervisor
from nervesys.errors import NervesysError
from nervesys.file_lock import FileLock
from nervesys.settings import StartupSettings
from nervesys.stack import daemon, ports, programs, ready
from nervesys.stack.layout import NoStack, Stack
from nervesys.stores.open_stores import load_configuration

WAIT_SECONDS, FILL_SECONDS = 120, 90
LOOK_SECONDS = 0.5
LAST_LINES = 5
FIRST = ("page", "receiver", "grafana")
"""Services whose pages people look at first."""

app = typer.Typer()


@app.command()
def up(
    home: Home = None,
    brain: BrainUrl = None,
    archive: ArchiveUrl = None,
    wait: Annotated[float, typer.Option(help="Longest time to wait for a working stack, in seconds.")] = WAIT_SECONDS,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Return as soon as everything runs, without waiting for data in every dashboard."),
    ] = False,
) -> None:
    """Start the whole stack, wait until it works, and print where to look. Running it again does no harm.

    The stack is an S3 server, the example agents, the exporters, Prometheus, Alertmanager, the receiver and the
    dashboards. It needs no account, no Docker and no root; everything it keeps lies under NERVESYS_HOME. With your own
    brain: `nervesys up --brain https://github.com/you/your-brain`.
    """
    out = Console()
    place = StartupSettings.of(os.environ, home, brain)
    with FileLock(place.home / "up.lock"):
        with _step(out, "Programs, configuration and keys are at hand"):
            planned = plan.make(place, archive or os.environ.get("NERVESYS_ARCHIVE"))
            os.environ["no_proxy"] = planned.stack.environ["no_proxy"]
        with _step(out, "There is a past to look at"):
            demo_history.lay(planned.stack)
        with _step(out, f"{len(planned.stack.services)} processes are started"):
            _start(planned)
        with _step(out, "Everything works") as say:
            _wait(planned.stack, wait, say)
        if not quick:
            with _step(out, "Every query of the dashboards was asked") as say:
                empty = _fill(planned.stack, say)
            if empty:
                out.print(f"[yellow]![/] {empty} of their queries find nothing yet: nervesys dashboards check --live")
    _tell(out, planned.stack)


@contextmanager
def _step(out: Console, done: str) -> Iterator[Callable[[str], None]]:
    """Show that something is under way, then that it is done; what is yielded says more of it meanwhile."""
    with out.status(f"{done} …") as status:
        yield lambda more: status.update(f"Waiting for {more} …")
    out.print(f"[green]✓[/] {done}")


def _start(planned: plan.Plan) -> None:
    """Start what does not run; what a killed supervisor left behind, or is not what is wanted any more, ends first."""
    stack, home = planned.stack, planned.stack.home
    if daemon.running(stack) and not write(home, planned.files, check=True, obsolete=planned.obsolete):
        Supervisor(f"unix://{stack.socket}", timeout_seconds=WAIT_SECONDS).ask("startAllProcesses", False)
        return
    with suppress(NoStack):
        daemon.stop(Stack.load(home))
    ports.check(stack.addresses)
    write(home, planned.files, check=False, obsolete=planned.obsolete)
    daemon.start(stack, programs.find("supervisord", home / "programs"), planned.inherited)


def _wait(stack: Stack, seconds: float, say: Callable[[str], None]) -> None:
    supervisor = Supervisor(f"unix://{stack.socket}")
    prometheus = Prometheus(f"http://{stack.service('prometheus').address}", timeout_seconds=5)
    deadline = time.monotonic() + seconds
    while still := ready.missing(stack, processes := supervisor.processes(), prometheus):
        given_up = ready.failed(stack, processes)
        if given_up or time.monotonic() > deadline:
            why = f"{', '.join(given_up)} ended at once" if given_up else f"{seconds:.0f} s went by waiting for {still}"
            words = _last_words(stack, ready.idle(stack, processes))
            raise NervesysError(f"start the stack: {why}; see `nervesys status` and `nervesys logs`{words}")
        say(still)
        time.sleep(LOOK_SECONDS)


def _fill(stack: Stack, say: Callable[[str], None]) -> int:
    """Wait until every query of the dashboards finds data; returns how many still do not."""
    say("the first logs, and rates of what was counted")
    loaded = load_configuration("up", {**os.environ, **stack.environ}).loaded
    made, prometheus = pages(loaded), Prometheus(f"http://{stack.service('prometheus').address}")
    answers = settled(
        lambda: asked_live(loaded, made, prometheus), lambda answer: answer.verdict.as_expected, FILL_SECONDS
    )
    return sum(not answer.verdict.as_expected for answer in answers)


def _last_words(stack: Stack, names: list[str]) -> str:
    """The end of what each of these said."""
    logs = [log for log in map(stack.log, names) if log.is_file()]
    return "".join(f"\n{log}:\n{_tail(log)}" for log in logs)


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-LAST_LINES:])


def _tell(out: Console, stack: Stack) -> None:
    me, victim = _command(), stack.agents[-1] if stack.agents else "NAME"
    tries = {
        f"demo kill {victim}": "kill an agent; it is noticed, restarted, and proven to be back",
        "demo heal": "the same, told step by step",
        "status": "every service and every agent",
        "down": "stop all of it",
    }
    shown = sorted((service for service in stack.services if service.url), key=lambda one: one.name not in FIRST)
    lines = [
        "\nWhere to look:",
        *(f"  {service.url:<34} {service.about}" for service in shown),
        "\nWhat to try next:",
        *(f"  {f'{me} {words}':<34} {why}" for words, why in tries.items()),
    ]
    out.print("\n".join(lines), highlight=False, soft_wrap=True)


def _command() -> str:
    """How this program is called from where the operator stands."""
    beside = Path(sys.executable).with_name("nervesys")
    on_path = shutil.which("nervesys")
    if (on_path and Path(on_path).samefile(beside)) or not beside.is_file():
        return "nervesys"
    return os.path.relpath(beside) if beside.is_relative_to(Path.cwd()) else str(beside)

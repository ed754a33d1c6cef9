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
from commands.dashboards import query_live
from commands.generated import write
from commands.options import ArchiveUrl, BrainUrl, Home
from commands.poll import poll_until
from dashboards.build import pages
from nervesys.clients.prometheus import Prometheus
from nervesys.clients.supervisor import Supervisor
from nervesys.errors import NervesysError
from nervesys.file_lock import FileLock
from nervesys.plural import count
from nervesys.settings import StartupSettings
from nervesys.stack import daemon, ports, programs, ready
from nervesys.stack.layout import NoStack, Stack
from nervesys.stores.open_stores import load_configuration

WAIT_SECONDS, DATA_SECONDS = 120, 90
POLL_SECONDS = 0.5
LAST_LINES = 5
LISTED_FIRST = ("page", "receiver", "grafana")
"""Services whose addresses are printed first."""

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
    """Start the whole stack, wait until it works, and print the addresses. Running it again changes nothing.

    The stack is an S3 server, the example agents, the exporters, Prometheus, Alertmanager, the receiver and the
    dashboards. It needs no account, no Docker and no root; everything it keeps lies under NERVESYS_HOME. With your own
    brain: `nervesys up --brain https://github.com/you/your-brain`.
    """
    out = Console()
    place = StartupSettings.of(os.environ, home, brain)
    with FileLock(place.home / "up.lock"):
        with _step(out, "Programs, configuration and keys ready"):
            planned = plan.make(place, archive or os.environ.get("NERVESYS_ARCHIVE"))
            os.environ["no_proxy"] = planned.stack.environ["no_proxy"]
        with _step(out, "Demo history created"):
            demo_history.create(planned.stack)
        with _step(out, f"{count(len(planned.stack.services), 'process', 'processes')} started"):
            _start(planned)
        with _step(out, "All services ready") as report_progress:
            _wait(planned.stack, wait, report_progress)
        if not quick:
            with _step(out, "Queries of the dashboards checked") as report_progress:
                empty = _wait_for_data(planned.stack, report_progress)
            if empty:
                out.print(
                    f"[yellow]![/] {count(empty, 'query', 'queries')} without data: nervesys dashboards check --live"
                )
    _print_addresses(out, planned.stack)


@contextmanager
def _step(out: Console, done: str) -> Iterator[Callable[[str], None]]:
    """Show that a step is running, then that it is done; yields a function that reports progress meanwhile."""
    with out.status(f"{done} …") as status:
        yield lambda more: status.update(f"Waiting for {more} …")
    out.print(f"[green]✓[/] {done}")


def _start(planned: plan.StackPlan) -> None:
    """Start what is not running. Processes of a killed supervisor, or of an outdated plan, are stopped first."""
    stack, home = planned.stack, planned.stack.home
    if daemon.running(stack) and not write(home, planned.files, check=True, obsolete=planned.obsolete):
        Supervisor(f"unix://{stack.socket}", timeout_seconds=WAIT_SECONDS).ask("startAllProcesses", False)
        return
    with suppress(NoStack):
        daemon.stop(Stack.load(home))
    ports.check(stack.addresses)
    write(home, planned.files, check=False, obsolete=planned.obsolete)
    daemon.start(stack, programs.find("supervisord", home / "programs"), planned.inherited)


def _wait(stack: Stack, seconds: float, report_progress: Callable[[str], None]) -> None:
    supervisor = Supervisor(f"unix://{stack.socket}")
    prometheus = Prometheus(f"http://{stack.service('prometheus').address}", timeout_seconds=5)
    deadline = time.monotonic() + seconds
    while still := ready.describe_missing(stack, processes := supervisor.processes(), prometheus):
        failed = ready.list_failed(stack, processes)
        if failed or time.monotonic() > deadline:
            why = (
                f"{', '.join(failed)} stopped at once"
                if failed
                else f"not ready within {seconds:.0f} s, waiting for {still}"
            )
            words = _log_ends(stack, ready.list_idle(stack, processes))
            raise NervesysError(f"start the stack: {why}; see `nervesys status` and `nervesys logs`{words}")
        report_progress(still)
        time.sleep(POLL_SECONDS)


def _wait_for_data(stack: Stack, report_progress: Callable[[str], None]) -> int:
    """Wait until every query of the dashboards returns data; returns the number of those that do not."""
    report_progress("the first logs and rates")
    loaded = load_configuration("up", {**os.environ, **stack.environ}).loaded
    made, prometheus = pages(loaded), Prometheus(f"http://{stack.service('prometheus').address}")
    answers = poll_until(
        lambda: query_live(loaded, made, prometheus), lambda answer: answer.verdict.as_expected, DATA_SECONDS
    )
    return sum(not answer.verdict.as_expected for answer in answers)


def _log_ends(stack: Stack, names: list[str]) -> str:
    """The last lines of these logs."""
    logs = [log for log in map(stack.log, names) if log.is_file()]
    return "".join(f"\n{log}:\n{_tail(log)}" for log in logs)


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-LAST_LINES:])


def _print_addresses(out: Console, stack: Stack) -> None:
    me, example = _command(), stack.agents[-1] if stack.agents else "NAME"
    tries = {
        f"demo kill {example}": "kill an agent; it is detected, restarted and verified",
        "demo heal": "the same, printed step by step",
        "status": "show every service and agent",
        "down": "stop the stack",
    }
    shown = sorted(
        (service for service in stack.services if service.url), key=lambda service: service.name not in LISTED_FIRST
    )
    lines = [
        "\nAddresses:",
        *(f"  {service.url:<34} {service.about}" for service in shown),
        "\nNext commands:",
        *(f"  {f'{me} {words}':<34} {why}" for words, why in tries.items()),
    ]
    out.print("\n".join(lines), highlight=False, soft_wrap=True)


def _command() -> str:
    """The command that starts this program from the current folder."""
    beside = Path(sys.executable).with_name("nervesys")
    on_path = shutil.which("nervesys")
    if (on_path and Path(on_path).samefile(beside)) or not beside.is_file():
        return "nervesys"
    return os.path.relpath(beside) if beside.is_relative_to(Path.cwd()) else str(beside)

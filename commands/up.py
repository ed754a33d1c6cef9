"""`nervesys up`: the whole stack on this machine."""

import os
import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Protocol

import typer
from rich.console import Console
from rich.markup import escape

from alerting.receiver.local import FILE as RECEIVER_FILE
from commands import demo_history, history, plan
from commands.dashboards import query_live
from commands.generated import write
from commands.options import ArchiveUrl, BrainUrl, Home
from commands.poll import poll_until
from commands.typed import program
from commands.wait_times import WaitTimes
from dashboards.build import pages
from exporters.history.blocks import Blocks
from nervesys.clients.prometheus import Prometheus
from nervesys.clients.supervisor import Supervisor, SupervisorRefused, SupervisorUnavailable
from nervesys.errors import NervesysError
from nervesys.file_lock import FileLock
from nervesys.plural import count
from nervesys.settings import StartupSettings
from nervesys.settings.env_files import load_env_files
from nervesys.stack import daemon, ports, programs, ready
from nervesys.stack.blocks import make_blocks
from nervesys.stack.layout import NoStack, Stack
from nervesys.stores.open_stores import load_configuration

WAIT_SECONDS, DATA_SECONDS = 120, 90
POLL_SECONDS = 0.5
LAST_LINES = 5
INTERRUPTED = 130
"""Exit code of shells for a program that Ctrl-C ended."""
LISTED_FIRST = ("page", "receiver", "grafana")
"""Services whose addresses are printed first."""


class ReportProgress(Protocol):
    """Shows what is waited for."""

    def __call__(self, more: str, part: str = "") -> None:
        """Something is waited for from now on; the part of the start that it belongs to."""


app = typer.Typer()


@app.command()
def up(
    home: Home = None,
    brain: BrainUrl = None,
    archive: ArchiveUrl = None,
    demo: Annotated[
        bool | None,
        typer.Option(
            "--demo/--no-demo", help="Run a whole fleet that is made up (default: only if no brain is named)."
        ),
    ] = None,
    wait: Annotated[float, typer.Option(help="Longest time to wait for a working stack, in seconds.")] = WAIT_SECONDS,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Return as soon as everything runs, without waiting for data in every dashboard."),
    ] = False,
) -> None:
    """Start the stack, wait until it works, and print the addresses. Running it again changes nothing.

    With a brain of your own (--brain, or NERVESYS_BRAIN) it is the monitoring side of your fleet: the exporters of the
    configured sources, the receiver, Prometheus, Alertmanager and the dashboards. `nervesys init` creates such a brain.

    Without one, or with --demo, it is a whole fleet that is made up: an S3 server, example agents and some history are
    added. It needs no account, no Docker and no root. Everything that either keeps lies under NERVESYS_HOME.
    """
    out = Console()
    if home:
        load_env_files(home=home)
    place = StartupSettings.of(os.environ, home, brain)
    invented = demo if demo is not None else place.brain is None
    if not invented and place.brain is None:
        raise typer.BadParameter("--no-demo needs a brain: --brain, or NERVESYS_BRAIN; `nervesys init` creates one")
    began = time.monotonic()
    try:
        with _named(place), FileLock(place.home / "up.lock"):
            planned = _bring_up(out, place, archive, wait, invented)
            out.print(f"Everything works, after {time.monotonic() - began:.0f} s.", highlight=False)
            if invented and not quick:
                _check_queries(out, planned.stack)
            if not invented:
                _backfill(out, planned.stack)
    except KeyboardInterrupt:
        _print_what_runs(out, place, _suffix(home))
        raise typer.Exit(INTERRUPTED) from None
    _print_addresses(out, planned.stack, _suffix(home))


def _fill(stack: Stack) -> str:
    """Create the demo's history in Prometheus; returns why it could not be done, which stops nothing."""
    try:
        demo_history.fill(stack)
    except (NervesysError, OSError) as err:
        return str(err)
    return ""


def _backfill(out: Console, stack: Stack) -> None:
    """Backfill what is new in the archive, if the settings say so; a failure is reported, and stops nothing."""
    base = load_configuration("up", {**os.environ, **stack.environ})
    if base.loaded.settings.monitoring.history.backfill != "at_start":
        return
    promtool = partial(make_blocks, programs.find("promtool", stack.home / "programs"))
    try:
        with _step(out, "History backfilled"), closing(Blocks(stack.home / "prometheus", promtool)) as target:
            history.backfill_at_start(base, Prometheus(f"http://{stack.service('prometheus').address}"), target, out)
    except (NervesysError, OSError) as err:
        out.print(f"[yellow]![/] history was not backfilled: {escape(str(err))}", highlight=False, soft_wrap=True)
        out.print(f"  to try again: {program()} history backfill", highlight=False)


def _suffix(home: str | None) -> str:
    """What the next commands need, so that they find the same home."""
    return f" --home {shlex.quote(home)}" if home else ""


def _bring_up(out: Console, place: StartupSettings, archive: str | None, wait: float, demo: bool) -> plan.StackPlan:
    """Plan the stack, start it, and wait until it works."""
    with _step(out, "Programs, configuration and keys ready"):
        planned = plan.make(place, archive or os.environ.get("NERVESYS_ARCHIVE"), demo=demo)
        os.environ["no_proxy"] = planned.stack.environ["no_proxy"]
    if demo:
        with _step(out, "Demo history created"):
            demo_history.create(planned.stack)
            problem = _fill(planned.stack)
        if problem:
            out.print(f"[yellow]![/] demo history in Prometheus is missing: {escape(problem)}", soft_wrap=True)
    if RECEIVER_FILE in planned.files and not demo:
        out.print(f"[yellow]![/] {place.home / RECEIVER_FILE} names no driver: no agent is restarted", soft_wrap=True)
    with _stopped_meanwhile():
        with _step(out, f"{count(len(planned.stack.services), 'process', 'processes')} started"):
            _start(planned)
        with _step(out, "All services ready") as report_progress:
            _wait(planned.stack, wait, report_progress)
    return planned


@contextmanager
def _named(place: StartupSettings) -> Iterator[None]:
    """Name the folder in an error that names no file: a full disk, most often."""
    try:
        yield
    except OSError as err:
        if err.filename is None and err.strerror:
            raise NervesysError(f"start the stack in {place.home}: {err.strerror}") from err
        raise


@contextmanager
def _stopped_meanwhile() -> Iterator[None]:
    """Say that supervisord was stopped, instead of how it refused."""
    try:
        yield
    except (SupervisorUnavailable, SupervisorRefused) as err:
        raise NervesysError("start the stack: it was stopped meanwhile, by `nervesys down` for example") from err


@contextmanager
def _step(out: Console, done: str) -> Iterator[ReportProgress]:
    """Show that a step is running, then that it is done, and how long it and each of its waits took.

    Yields a function that reports what is waited for meanwhile.
    """
    began, waits = time.monotonic(), WaitTimes(time.monotonic)
    with out.status(f"{done} …") as status:

        def report_progress(more: str, part: str = "") -> None:
            status.update(f"Waiting for {more} …")
            waits.begin(part)

        yield report_progress
    out.print(f"[green]✓[/] {done} [dim]{time.monotonic() - began:.0f} s{waits.summary()}[/]", highlight=False)


def _start(planned: plan.StackPlan) -> None:
    """Start what is not running. Processes of a killed supervisor, or of an outdated plan, are stopped first."""
    stack, home = planned.stack, planned.stack.home
    if daemon.running(stack) and not write(home, planned.files, check=True, obsolete=planned.obsolete):
        Supervisor(f"unix://{stack.socket}", timeout_seconds=WAIT_SECONDS).ask("startAllProcesses", False)
        return
    with suppress(NoStack):
        daemon.stop(Stack.load(home))
    daemon.stop_home(home, keep=stack.socket.parent)
    ports.check(stack.addresses)
    write(home, planned.files, check=False, obsolete=planned.obsolete)
    daemon.start(stack, programs.find("supervisord", home / "programs"), planned.inherited)


def _wait(stack: Stack, seconds: float, report_progress: ReportProgress) -> None:
    supervisor = Supervisor(f"unix://{stack.socket}")
    prometheus = Prometheus(f"http://{stack.service('prometheus').address}", timeout_seconds=5)
    deadline = time.monotonic() + seconds
    while still := ready.find_missing(stack, processes := supervisor.processes(), prometheus):
        failed = ready.list_failed(stack, processes)
        if failed or time.monotonic() > deadline:
            why = (
                f"{', '.join(failed)} stopped at once"
                if failed
                else f"not ready within {seconds:.0f} s, waiting for {still.text}"
            )
            words = _log_ends(stack, ready.list_idle(stack, processes))
            raise NervesysError(f"start the stack: {why}; see `nervesys status` and `nervesys logs`{words}")
        report_progress(still.text, still.part)
        time.sleep(POLL_SECONDS)


def _check_queries(out: Console, stack: Stack) -> None:
    """Wait until every query of the dashboards returns data, and report those that do not."""
    with _step(out, "Queries of the dashboards checked") as report_progress:
        report_progress("the first logs and rates")
        loaded = load_configuration("up", {**os.environ, **stack.environ}).loaded
        made, prometheus = pages(loaded), Prometheus(f"http://{stack.service('prometheus').address}")
        answers = poll_until(
            lambda: query_live(loaded, made, prometheus), lambda answer: answer.verdict.as_expected, DATA_SECONDS
        )
    if empty := sum(not answer.verdict.as_expected for answer in answers):
        what = f"{count(empty, 'query', 'queries')} without data: {program()} dashboards check --live"
        out.print(f"[yellow]![/] {what}", highlight=False, soft_wrap=True)


def _log_ends(stack: Stack, names: list[str]) -> str:
    """The last lines of these logs."""
    logs = [log for log in map(stack.log, names) if log.is_file()]
    return "".join(f"\n{log}:\n{_tail(log)}" for log in logs)


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-LAST_LINES:])


def _print_what_runs(out: Console, place: StartupSettings, suffix: str) -> None:
    """After Ctrl-C: what goes on running, and how to stop it."""
    running = len(daemon.processes_of(place.home))
    if not running:
        out.print("Interrupted: nothing was started.")
        return
    out.print(
        f"Interrupted: {count(running, 'process', 'processes')} of the stack keep running. "
        f"`{program()} status{suffix}` shows them, `{program()} down{suffix}` stops them, `up` again waits for them.",
        highlight=False,
        soft_wrap=True,
    )


def _print_addresses(out: Console, stack: Stack, suffix: str) -> None:
    tries = {
        "status": "show every service and agent",
        "doctor": "check everything, and name what to fix",
        "down": "stop the stack",
    }
    if stack.agents:
        tries = {
            f"demo kill {stack.agents[-1]}": "kill an agent; it is detected, restarted and verified",
            "demo heal": "the same, printed step by step",
            **tries,
        }
    shown = sorted(
        (service for service in stack.services if service.url), key=lambda service: service.name not in LISTED_FIRST
    )
    out.print("\nAddresses:")
    _print_columns(out, {str(service.url): service.about for service in shown})
    out.print("\nNext commands:")
    _print_columns(out, {f"{program()} {words}{suffix}": why for words, why in tries.items()})


def _print_columns(out: Console, rows: Mapping[str, str]) -> None:
    width = max(map(len, rows))
    for left, right in rows.items():
        out.print(f"  {left:<{width}}  {right}", highlight=False, markup=False, soft_wrap=True)

"""`nervesys init`: create a fleet of one's own: its brain, the home of its monitoring, and units of systemd."""

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from alerting.model import read_alerts
from commands.alerts import check_alerts
from commands.fleet_answers import CHANNEL, InitOptions, complete
from commands.typed import program
from commands.units import plan_units
from nervesys.clock import system_clock
from nervesys.plural import count
from nervesys.settings import Loaded, StartupSettings, load
from nervesys.stack import keys
from nervesys.stack.new_brain import commit_new_files
from nervesys.stack.new_home import (
    BRAIN,
    ENV_FILE,
    HOME,
    RECEIVER_FILE,
    SECRETS,
    FleetAnswers,
    PlannedFile,
    PlannedTree,
    plan_additions,
    plan_files,
)

app = typer.Typer()
UNITS, TOKEN = "units", "receiver_token"


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Folder of the fleet; created if it is missing.")],
    agent: Annotated[
        list[str] | None, typer.Option(metavar="NAME@SERVER", help="An agent and its server; once for each agent.")
    ] = None,
    store: Annotated[str | None, typer.Option(metavar="URL", help="URL of the store's S3 API.")] = None,
    bucket: Annotated[str | None, typer.Option(help="Bucket of the store.")] = None,
    region: Annotated[str | None, typer.Option(help="Region of the store (default: us-east-1).")] = None,
    archive: Annotated[
        str | None, typer.Option(metavar="URL", help="Archive, if there is one: file:///path or gdrive://FOLDER_ID.")
    ] = None,
    brain: Annotated[
        str | None, typer.Option(metavar="URL", help="Git URL that you push the brain to (default: use it here).")
    ] = None,
    driver: Annotated[
        str | None,
        typer.Option(
            help="What restarts the agents: supervisor (default), systemd, docker, kubernetes, pod or command."
        ),
    ] = None,
    reach: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SERVER=URL", help="Where the driver reaches a server, such as web-1=unix:///run/supervisor.sock."
        ),
    ] = None,
    slack: Annotated[bool, typer.Option("--slack", help="Notify people by Slack.")] = False,
    slack_channel: Annotated[str, typer.Option(help="Channel of Slack.")] = CHANNEL,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before writing.")] = False,
) -> None:
    """Create a fleet of your own in FOLDER: its brain, the home of its monitoring, and units of systemd.

    On a terminal it asks for what the options leave open. It shows what it will write, and never writes over a file
    that exists, so it may be run again to add an agent, a server or Slack. What it creates:

    brain/ is a Git repository with the configuration (only what differs from the defaults). .nervesys/ is
    NERVESYS_HOME: receiver.yaml with the drivers, .env, and secrets/ with an empty file for each key that you put in.
    units/ and agent.env are for systemd, and for the machines that run agents.
    """
    folder, out = folder.absolute(), Console(highlight=False, soft_wrap=True)
    given = InitOptions(
        agents=tuple(agent or ()),
        store=store,
        bucket=bucket,
        region=region,
        archive=archive,
        brain_url=brain,
        driver=driver,
        reach=tuple(reach or ()),
        slack=slack_channel if slack else None,
    )
    asks = os.isatty(0) and os.isatty(1)
    answers = complete(folder, given, asks=asks)
    planned = plan_files(answers, folder)
    loaded = _load_planned(folder, planned)
    place = StartupSettings(folder / HOME, answers.brain_url or str(folder / BRAIN))
    units = plan_units(place, loaded.settings)
    planned |= {f"{UNITS}/{name}": PlannedFile(text) for name, text in units.items()}
    fresh = {path: file for path, file in planned.items() if not (folder / path).exists()}
    if fresh and not _confirm(out, folder, fresh, asks=asks and not yes):
        raise typer.Exit(1)
    _write(folder, fresh)
    own = [path.removeprefix(f"{BRAIN}/") for path in fresh if path.startswith(f"{BRAIN}/")]
    problem = commit_new_files(folder / BRAIN, own, answers.brain_url, system_clock())
    _report(out, folder, planned, fresh, answers, problem)


def _load_planned(folder: Path, planned: dict[str, PlannedFile]) -> Loaded:
    """The settings as they will be.

    Raises:
        SettingsError: an answer, or a file that exists, is wrong.
    """
    root = folder / BRAIN
    files = {path.removeprefix(f"{BRAIN}/"): file.text.encode() for path, file in planned.items()}
    there = (path for path in (root / "config").rglob("*") if path.is_file())
    tree = PlannedTree(files | {path.relative_to(root).as_posix(): path.read_bytes() for path in there})
    loaded = load(tree, environ={}, also=[read_alerts])
    check_alerts(tree, loaded, secrets=None)
    return loaded


def _confirm(out: Console, folder: Path, fresh: dict[str, PlannedFile], *, asks: bool) -> bool:
    """Show what will be written; ask on a terminal."""
    out.print(f"Files to create in {folder}:")
    for path, file in fresh.items():
        if not path.startswith(f"{UNITS}/"):
            out.print(f"  {path}{f'   (put in: {file.needs})' if file.needs else ''}", markup=False)
    units = sum(path.startswith(f"{UNITS}/") for path in fresh)
    if units:
        out.print(f"  {UNITS}/   ({count(units, 'unit')} of systemd)")
    return not asks or typer.confirm("Create them?", default=True)


def _write(folder: Path, fresh: dict[str, PlannedFile]) -> None:
    """Create the files; none that exists is written over, even if it was created meanwhile."""
    for private in (folder / HOME, folder / SECRETS):
        private.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys.make(folder / SECRETS, keys.RECEIVER_NAMES)
    for path, file in fresh.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        keys.create(folder / path, file.text, file.mode)


def _report(
    out: Console,
    folder: Path,
    planned: dict[str, PlannedFile],
    fresh: dict[str, PlannedFile],
    answers: FleetAnswers,
    problem: str | None,
) -> None:
    """Say what was done, what to put in, and what to type next."""
    out.print(f"[green]✓[/] {count(len(fresh), 'file')} created" if fresh else "Nothing to create: all of it exists.")
    if problem:
        out.print(f"[yellow]![/] {problem}")
    kept = {path: (folder / path).read_text() for path in (ENV_FILE, RECEIVER_FILE) if path not in fresh}
    for path, text in plan_additions(answers, planned, kept).items():
        out.print(f"[yellow]![/] {folder / path} is kept; add to it:")
        out.print(text, markup=False)
    empty = {path: file for path, file in planned.items() if file.needs and not (folder / path).stat().st_size}
    if empty:
        out.print("\nPut in, each in its file:")
        for path, file in empty.items():
            out.print(f"  {folder / path}\n      {file.needs}", markup=False)
    out.print("\nThen type:")
    for line in _next_commands(folder, answers):
        out.print(f"  {line}", markup=False)


def _next_commands(folder: Path, answers: FleetAnswers) -> list[str]:
    name = program() if program() == "nervesys" else str(Path(program()).absolute())
    push = [f"git -C {BRAIN} push origin main state"] if answers.brain_url else []
    return [f"cd {shlex.quote(str(folder))}", *push, f"{name} up", f"{name} doctor"]

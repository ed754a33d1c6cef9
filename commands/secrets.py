"""`nervesys secrets`: replace the secrets that only programs of ours know, and list the others with their steps."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from alerting.drivers.driver import Driver
from alerting.drivers.instances import DriverInstances
from alerting.receiver.local import APPROVAL_KEY, LocalFile
from commands.audit_trail import CLI, audited, operator
from commands.console import escape, open_console
from commands.options import BrainUrl, Home, open_settings
from nervesys.clock import system_clock
from nervesys.errors import NervesysError, SettingsError
from nervesys.file_lock import FileLock
from nervesys.plural import count
from nervesys.settings import FolderTree, load_file
from nervesys.settings.rotating_secret import SecretFromFile
from nervesys.settings.rotation import (
    DAY_SECONDS,
    HOUR_SECONDS,
    LOCK,
    OwnSecret,
    complete_copies,
    describe_overlap,
    due_secrets,
    own_secrets,
    rotate,
)
from nervesys.settings.storage import LONGEST_OVERLAP_HOURS
from nervesys.stores.open_stores import Configuration

DEFAULT_DAYS = 90.0
FOREIGN = {
    "store_access_key": "create a new key in the store's console, put it here, restart, delete the old key",
    "store_secret_key": "with store_access_key: both belong together",
    "github_token": "create a new token at GitHub (Settings, Developer settings), put it here, restart, revoke the old",
    "drive_service_account.json": "create a new key of the service account, put it here, restart, delete the old",
    "slack_url": "create a new incoming webhook at Slack, put it here, delete the old",
    "telegram_token": "let @BotFather revoke the token (/revoke), and put the new one here",
}
"""Secrets that others issue, by the file's name: the steps to replace them."""

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Makes Typer treat the one command as a subcommand."""


@app.command(name="rotate")
def rotate_(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]…", help="Secrets to replace, such as receiver_token (default: all of ours)."),
    ] = None,
    due: Annotated[bool, typer.Option("--due", help="Only those that are old enough.")] = False,
    days: Annotated[
        float | None,
        typer.Option(min=0, help="Age from which a secret is due (default: round.rotate_secrets_days, else 90)."),
    ] = None,
    overlap_hours: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=LONGEST_OVERLAP_HOURS,
            help="Time for which old secrets are accepted; 0 ends all of them (default: round.secret_overlap_hours).",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be replaced.")] = False,
    home: Home = None,
    brain: BrainUrl = None,
) -> None:
    """Replace secrets of ours on this machine: tokens and passwords that only our own programs know.

    The new one is valid at once, and programs that read the file use it from their next request on; the old one is
    accepted until the overlap ends. No secret is printed. Of secrets that others issue, such as keys of the store, the
    steps are printed, and nothing is changed. Examples:

    `nervesys secrets rotate --dry-run`; `nervesys secrets rotate --due`; `nervesys secrets rotate receiver_token`
    """
    start = open_settings("secrets", home=home, brain=brain)
    settings = start.loaded.settings.storage.round
    own, now, out = list_own(start), system_clock(), open_console(soft_wrap=True, highlight=False)
    limit = days if days is not None else settings.rotate_secrets_days or DEFAULT_DAYS
    hours = settings.secret_overlap_hours if overlap_hours is None else overlap_hours
    problems = []
    with audited(CLI, start.place, start.loaded.settings), FileLock(start.place.home / LOCK):
        chosen = _choose(own, names or [])
        chosen = due_secrets(chosen, limit, now) if due else chosen
        if not dry_run:
            complete_copies(own)
        for secret in chosen:
            age = count(int(secret.age_seconds(now) / DAY_SECONDS), "day")
            if dry_run:
                out.print(f"would replace {escape(secret.name)}, {age} old")
                continue
            try:
                rotate(secret, now, hours * HOUR_SECONDS, operator())
            except NervesysError as err:
                problems.append(str(err))
            else:
                out.print(f"[green]replaced[/] {escape(secret.name)}, {age} old; {describe_overlap(hours)}")
                out.print(f"  {escape(secret.after)}")
    if not chosen:
        out.print("No secret of ours is due." if own else f"{start.place.home} holds no secret of ours.")
    if not names:
        for line in _reminders(start.place.home, limit, now):
            out.print(line)
    if dry_run:
        out.print("Dry run: nothing was changed.")
    if problems:
        raise NervesysError("\n".join(problems))


def list_own(start: Configuration) -> list[OwnSecret]:
    """The secrets of ours on this machine, also those that the receiver's file and the environment name."""
    named = dict(_named_by_receiver(start.place.receiver_file(os.environ)))
    if file := os.environ.get("NERVESYS_WEB_PASSWORD_FILE"):
        named["web_password"] = Path(file).absolute()
    return own_secrets(start.place.home, start.loaded.settings.storage.artifacts.tokens, named.items())


def _named_by_receiver(file: Path) -> Iterator[tuple[str, Path]]:
    if not file.is_file():
        return
    try:
        local = load_file(FolderTree(file.parent), file.name, LocalFile)
    except SettingsError:
        return  # the receiver reports it
    if isinstance(local.token, SecretFromFile):
        yield "receiver_token", local.token.path
    if isinstance(local.approvals.key, SecretFromFile):
        yield APPROVAL_KEY, local.approvals.key.path
    elif local.approvals.secrets_folder:
        yield APPROVAL_KEY, Path(local.approvals.secrets_folder) / APPROVAL_KEY
    for name, driver in _each_driver(local.drivers.configured()):
        if isinstance(password := getattr(driver, "password", None), SecretFromFile):
            yield f"supervisor/{name}", password.path


def _each_driver(drivers: Mapping[str, Driver]) -> Iterator[tuple[str, Driver]]:
    for name, driver in drivers.items():
        if isinstance(driver, DriverInstances):
            yield from driver.instances.items()
        else:
            yield name, driver


def _choose(own: list[OwnSecret], names: list[str]) -> list[OwnSecret]:
    known = {secret.name: secret for secret in own}
    for name in names:
        if name in FOREIGN:
            raise typer.BadParameter(f"{name} is issued by others: {FOREIGN[name]}")
        if name not in known:
            raise typer.BadParameter(f"no secret {name!r} of ours is on this machine; there are: {', '.join(known)}")
    return [known[name] for name in dict.fromkeys(names)] if names else own


def _reminders(home: Path, days: float, now: float) -> Iterator[str]:
    """What others issue and is old, with the steps to replace it."""
    for name, steps in FOREIGN.items():
        path = home / "secrets" / name
        if not path.is_file():
            continue
        age = max(0.0, now - path.stat().st_mtime) / DAY_SECONDS
        if age >= days:
            yield f"[yellow]due[/] {name}, {count(int(age), 'day')} old, issued by others: {steps}"

"""`nervesys compose-init`: create what the services of Docker Compose need before their first start."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.console import Console

from commands import demo_history
from commands.plan import LIMITS
from nervesys.artifacts.tokens import ADMIN
from nervesys.clock import system_clock
from nervesys.errors import NervesysError
from nervesys.settings import load, shipped_root
from nervesys.stack import container, keys
from nervesys.stack.layout import FILE
from nervesys.stack.seed import seed
from nervesys.stores.open_stores import Configuration, load_configuration

app = typer.Typer()
SHARED = 0o444
"""Mode of keys that a program of another user reads; only the services that need them mount their volume."""
STORE_KEYS = ("store_access_key", "store_secret_key")


@app.command()
def compose_init(
    brain: Annotated[Path, typer.Option(help="Git repository to create for the example brain.")],
    archive: Annotated[Path, typer.Option(help="Folder to create for the example archive.")],
    secrets: Annotated[Path, typer.Option(help="Folder to create the keys in, one subfolder for each volume.")],
    agents_home: Annotated[Path, typer.Option(help="NERVESYS_HOME of the container of agents.")],
    receiver_home: Annotated[
        Path | None, typer.Option(help="NERVESYS_HOME of the receiver, whose journal gets the demo's history.")
    ] = None,
    history: Annotated[
        Path | None, typer.Option(help="Folder for the demo's history, of which promtool makes Prometheus' blocks.")
    ] = None,
    journal_user: Annotated[
        str | None,
        typer.Option(
            metavar="USER",
            envvar="NERVESYS_JOURNAL_USER",
            help="Role of a PostgreSQL for the journal, whose password is created too (NERVESYS_JOURNAL_USER).",
        ),
    ] = None,
    url: Annotated[
        list[str] | None, typer.Option(metavar="SERVICE=URL", help="Address that people open; may be repeated.")
    ] = None,
    demo: Annotated[
        bool, typer.Option(help="Create the brain and the history; without, NERVESYS_BRAIN names a brain of one's own.")
    ] = True,
) -> None:
    """Create the example brain and archive, with some made-up history, and the keys.

    docker-compose.yml runs this as its first service, at every start: what exists already is kept.
    """
    urls = _parse_urls(url or ())
    environ = {**os.environ, "NERVESYS_SERVER": container.SERVER}
    if demo:
        branches = load(profile=os.environ.get("NERVESYS_PROFILE"), environ=os.environ).settings.storage.brain
        seed(brain, shipped_root(), system_clock(), branches.branch, branches.state_branch)
        environ["NERVESYS_BRAIN"] = str(brain)
        archive.mkdir(parents=True, exist_ok=True)
    base = load_configuration("compose-init", environ, archive=archive.absolute().as_uri())
    _make_keys(secrets, base.loaded.agents)
    if journal_user:
        _make_journal_password(secrets / "journal", journal_user)
    if receiver_home:
        _link_secrets(receiver_home, secrets)
    agents = [name for name, agent in base.loaded.agents.items() if agent.enabled]
    password = (secrets / "supervisor" / "password").read_text()
    _write(secrets / "supervisord" / "supervisord.conf", container.config(agents, password), 0o600)
    stack = container.stack(base.loaded.settings, agents, urls)
    _write(agents_home / FILE, stack.model_dump_json(indent=2), 0o644)
    receiver = secrets / "receiver" / "receiver.yaml"
    if not receiver.exists():  # afterwards it is the operator's
        _write(receiver, _receiver_file(secrets, demo), 0o644)
    if demo:
        new = demo_history.create_in(base, environ, archive=True, brain=True)
        if new and history and receiver_home:  # else Prometheus may have data of its own of that time
            _fill(base, environ, history, receiver_home)
    Console().print(
        f"Created what was missing of the brain {brain}, the archive {archive} and the keys under {secrets}."
        if demo
        else f"Created what was missing of the keys under {secrets}.",
        soft_wrap=True,
    )


def _parse_urls(pairs: Iterable[str]) -> dict[str, str]:
    """Addresses by service, of texts such as `grafana=http://127.0.0.1:17300/`."""
    found = {}
    for pair in pairs:
        service, _, address = pair.partition("=")
        if not (service and address):
            raise typer.BadParameter(f"--url {pair}: must be SERVICE=URL")
        found[service] = address
    return found


def _fill(base: Configuration, environ: Mapping[str, str], history: Path, receiver_home: Path) -> None:
    """Write the demo's history for Prometheus and the journal; a failure is printed, and stops nothing."""
    try:
        demo_history.fill_text(base, environ, history, receiver_home / "journal.sqlite3")
    except (NervesysError, OSError) as err:
        Console().print(f"The demo's history is missing: {err}", soft_wrap=True, markup=False)


def _make_keys(secrets: Path, agents: Iterable[str]) -> None:
    """The keys, one folder for each group of services that share them; agents get their own tokens and store key."""
    keys.make(secrets / "store", STORE_KEYS)
    keys.make(secrets / "agents-store", STORE_KEYS)
    keys.make(secrets / "receiver", ("approval_key",))
    keys.make(secrets / "receiver", ("receiver_token",), SHARED)
    keys.make(secrets / "artifacts", (*agents, ADMIN))
    keys.make(secrets / "supervisor", ("password",))
    keys.make(secrets / "grafana", ("admin_password",), SHARED)
    for name in agents:
        _write(secrets / "agents-artifacts" / name, (secrets / "artifacts" / name).read_text(), 0o400)


def _make_journal_password(folder: Path, user: str) -> None:
    """The password that PostgreSQL's image reads, and the same for libpq, which wants a file of its owner alone."""
    keys.make(folder, ("password",), SHARED)
    _write(folder / "pgpass", f"*:*:*:{user}:{(folder / 'password').read_text()}\n", 0o400)


def _link_secrets(home: Path, secrets: Path) -> None:
    """Make all secrets those of the receiver's home, for whoever mounts both: backups and rotation look there."""
    link = home / "secrets"
    if not (link.is_symlink() or link.exists()):
        home.mkdir(parents=True, exist_ok=True)
        link.symlink_to(secrets.absolute())


def _receiver_file(secrets: Path, demo: bool) -> str:
    supervisor = {
        "url": f"http://{container.ADDRESS}",
        "user": container.USER,
        "password_file": str(secrets / "supervisor" / "password"),
        "servers": [container.SERVER],
    }
    settings: dict[str, object] = {
        "token_file": str(secrets / "receiver" / "receiver_token"),
        "approvals": {"secrets_folder": str(secrets / "receiver")},
    }
    if demo:
        settings |= {"drivers": {"supervisor": supervisor}, "limits": LIMITS}
    return yaml.safe_dump(settings)


def _write(path: Path, text: str, mode: int) -> None:
    """Replace a file; its permissions are set before its content is written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.touch(mode)
    fresh.chmod(mode | 0o200)
    fresh.write_text(text)
    fresh.chmod(mode)
    fresh.replace(path)

"""The receiver's own local file, `receiver.yaml`: what it may execute and call, and with which credentials.

No file of the brain can say any of this: a brain names a driver and a target, this file says what a driver is. The
defaults stand here, for the file belongs to one machine and not to the brain.
"""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from nervesys.contract import server_name
from nervesys.errors import BadObject, Mistake, SettingsError
from nervesys.settings import FolderTree, Place, load_file
from nervesys.settings.section import Section

FILE = "receiver.yaml"
ANY_SERVER = "*"

Seconds = Annotated[float, Field(gt=0)]


def _servers(said: tuple[str, ...]) -> tuple[str, ...]:
    if not said:
        raise ValueError(f"name the servers that it reaches; '{ANY_SERVER}' stands for every server")
    try:
        return tuple(name if name == ANY_SERVER else server_name(name) for name in said)
    except BadObject as bad:
        raise ValueError(f"{bad}; host names, or '{ANY_SERVER}' for every server") from bad


def _journal(said: SecretStr) -> SecretStr:
    if not said.get_secret_value().startswith("sqlite:///"):
        raise ValueError("not a URL of a journal, such as sqlite:////var/lib/nervesys/journal.sqlite3")
    return said


Servers = Annotated[tuple[str, ...], AfterValidator(_servers)]


def read_secret(file: object) -> SecretStr:
    """The content of a file that holds one secret.

    Raises:
        ValueError: the path is not absolute, the file cannot be read, or it is empty.
    """
    path = Path(str(file))
    if not path.is_absolute():
        raise ValueError(f"the path of a secret is absolute, not {path}")
    try:
        text = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as err:
        raise ValueError(f"read {path}: {getattr(err, 'strerror', None) or 'not text'}") from err
    if not text:
        raise ValueError(f"read {path}: the file is empty")
    return SecretStr(text)


FileSecret = Annotated[SecretStr, BeforeValidator(read_secret)]
"""A secret, given as the absolute path of the file that holds it."""


class Supervisor(Section):
    """How a supervisor's XML-RPC interface is reached.

    Attributes:
        url: `unix:///path/of/supervisor.sock` or `http://HOST:PORT`.
        user: of its HTTP interface; None where it asks for none.
        password: path of a file with the user's password.
        servers: the servers whose agents it runs; `*` stands for every server.
        timeout_seconds: of each call.
        stop_seconds: after which a process that does not stop is killed.
    """

    url: str = Field(pattern=r"^(unix:///.+|http://[^/\s@]+/?)$")
    user: str | None = None
    password: FileSecret | None = Field(default=None, alias="password_file")
    servers: Servers
    timeout_seconds: Seconds = 5
    stop_seconds: Seconds = 10


class Drivers(Section):
    """The drivers that this receiver has, each with the servers that it reaches."""

    supervisor: Supervisor | None = None


class Limits(Section):
    """How much is taken in, and how carefully it acts.

    Attributes:
        body_bytes: of one webhook request.
        start_allowance_seconds: that an agent gets to start, before two heartbeats are waited for.
        cooldown_seconds: between two restarts of one agent.
        window_seconds: in which an agent's `max_restart_attempts` are counted.
        log_seconds: between two commits of alert logs to the brain.
        blast_share: share of the fleet; where more is down at once, the cause is likely common.
        blast_at_least: agents that must be down before the share counts.
        blast_trial: agents that are then restarted first, one by one.
    """

    body_bytes: int = Field(default=16 << 20, gt=0)
    start_allowance_seconds: Seconds = 60
    cooldown_seconds: float = Field(default=60, ge=0)
    window_seconds: Seconds = 3600
    log_seconds: Seconds = 10
    blast_share: float = Field(default=1 / 3, gt=0, le=1)
    blast_at_least: int = Field(default=3, ge=1)
    blast_trial: int = Field(default=2, ge=1)


class LocalFile(Section):
    """`receiver.yaml`, whole.

    Attributes:
        journal: SQLAlchemy URL; None for SQLite in the home folder.
        token: path of a file with the bearer token of webhooks; None for `secrets/receiver_token` of the home.
        deadman_url: path of a file with a URL to post to when the Watchdog falls silent; None only logs.
    """

    journal: Annotated[SecretStr, AfterValidator(_journal)] | None = None
    token: FileSecret | None = Field(default=None, alias="token_file")
    deadman_url: FileSecret | None = Field(default=None, alias="deadman_url_file")
    drivers: Drivers = Drivers()
    limits: Limits = Limits()


def open_local(place: Place, config: Path | None = None) -> LocalFile:
    """The receiver's local file, with what it leaves open filled in.

    Args:
        place: whose home holds `receiver.yaml`, where `config` names no other file.
        config: from the command line.

    Raises:
        SettingsError: the file is missing or wrong, or a secret cannot be read; with every mistake.
    """
    file = (config or place.home / FILE).absolute()
    if not file.is_file():
        raise SettingsError([Mistake(str(file), "", "no such file; it says which drivers this receiver has")])
    local = load_file(FolderTree(file.parent), file.name, LocalFile)
    try:
        return local.model_copy(
            update={
                "journal": local.journal or SecretStr(f"sqlite:///{place.journal}"),
                "token": local.token or read_secret(place.secret("receiver_token")),
            }
        )
    except ValueError as err:
        raise SettingsError([Mistake(str(file), "token_file", str(err))]) from None

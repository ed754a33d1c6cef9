"""The receiver's own local file, `receiver.yaml`: what it may execute and call, and with which credentials.

No file of the brain can set any of this: a brain names a driver and a target, this file defines the driver. The
defaults stand here, for the file belongs to one machine and not to the brain.
"""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from alerting.drivers import Drivers
from alerting.drivers.fields import AbsolutePath, FileSecret, Seconds, read_secret
from nervesys.errors import SettingsError, SettingsProblem
from nervesys.settings import FolderTree, StartupSettings, load_file
from nervesys.settings.section import SettingsSection
from nervesys.settings.variables import value_of

FILE = "receiver.yaml"
JOURNAL_VARIABLE = "NERVESYS_JOURNAL_URL"
APPROVAL_KEY = "approval_key"
"""File of the folder of secrets with the key of the links by which people approve."""
TOKEN_CHARACTERS = 16
"""Fewer could be guessed."""


def _check_journal_url(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith(("sqlite:///", "postgresql://")):
        raise ValueError(
            "not a URL of a journal, such as sqlite:////PATH/journal.sqlite3 or postgresql://USER@HOST/NAME"
        )
    return url


def _check_http_url(url: str) -> str:
    if not re.fullmatch(r"https?://[^/\s@]+", url):
        raise ValueError("must be http(s)://HOST[:PORT], without a path")
    return url


class ReceiverLimits(SettingsSection):
    """How much is taken in, and how carefully it acts.

    Attributes:
        body_bytes: of one webhook request.
        start_allowance_seconds: that an agent gets to start, before two heartbeats are waited for.
        cooldown_seconds: between two restarts of one agent.
        window_seconds: in which an agent's `max_restart_attempts` are counted.
        lease_seconds: after which another receiver takes over what one had in its hands when it was lost.
        retention_days: that the journal remembers what has ended.
        log_seconds: between two commits of alert logs to the brain.
        blast_share: share of the fleet; where more is down at once, the cause is likely common.
        blast_at_least: agents that must be down before the share counts.
        blast_trial: agents that are then restarted first, one by one; each proof admits two more.
        blast_pause_seconds: after the last attempt until another agent is tried, where no trial recovers.
        restarts_per_hour: of the whole fleet; beyond them agents wait. None for `restarts_share` of the fleet.
        restarts_share: share of the configured agents that may be restarted in an hour.
        restarts_at_least: restarts in an hour however small the fleet is.
        flap_recoveries: that one agent may have in the window of flaps; when it falls again, people are asked.
        flap_window_seconds: in which an agent's recoveries are counted.
        approval_seconds: that people have to approve an action with `confirm: true`.
    """

    body_bytes: int = Field(default=16 << 20, gt=0)
    start_allowance_seconds: Seconds = 60
    cooldown_seconds: float = Field(default=60, ge=0)
    window_seconds: Seconds = 3600
    lease_seconds: Seconds = 15
    retention_days: int = Field(default=90, ge=1)
    log_seconds: Seconds = 10
    blast_share: float = Field(default=1 / 3, gt=0, le=1)
    blast_at_least: int = Field(default=3, ge=1)
    blast_trial: int = Field(default=2, ge=1)
    blast_pause_seconds: Seconds = 120
    restarts_per_hour: int | None = Field(default=None, ge=1)
    restarts_share: float = Field(default=0.1, gt=0)
    restarts_at_least: int = Field(default=60, ge=1)
    flap_recoveries: int = Field(default=5, ge=1)
    flap_window_seconds: Seconds = 21600
    approval_seconds: float = Field(default=3600, ge=60, le=7 * 86400)


class ActionMode(SettingsSection):
    """Whether it acts.

    Attributes:
        mode: `act`, or `observe`: decide and journal what would be done, and call no driver.
    """

    mode: Literal["act", "observe"] = "act"


class ApprovalSettings(SettingsSection):
    """How people are asked to approve actions with `confirm: true`.

    Attributes:
        key: path of the file that holds the key of the links; None for `approval_key` of the folder of secrets. Without
            it, messages lead to the page, where people sign in.
        secrets_folder: with the secrets of the channels of config/alerts.yaml; None for that of the home.
        telegram_url: of the Bot API, where not Telegram itself serves it.
    """

    key: FileSecret | None = Field(default=None, alias="key_file")
    secrets_folder: AbsolutePath | None = None
    telegram_url: Annotated[str, AfterValidator(_check_http_url)] = "https://api.telegram.org"


class LocalFile(SettingsSection):
    """`receiver.yaml`, whole.

    Attributes:
        journal: URL of SQLite or PostgreSQL, the second for several receivers; None for SQLite in the home folder.
        token: path of a file with the bearer token of webhooks; None for `secrets/receiver_token` of the home.
        deadman_url: path of a file with a URL to post to when the Watchdog falls silent; None only logs.
    """

    journal: Annotated[SecretStr, AfterValidator(_check_journal_url)] | None = None
    token: FileSecret | None = Field(default=None, alias="token_file")
    deadman_url: FileSecret | None = Field(default=None, alias="deadman_url_file")
    drivers: Drivers = Drivers()
    limits: ReceiverLimits = ReceiverLimits()
    actions: ActionMode = ActionMode()
    approvals: ApprovalSettings = ApprovalSettings()


def open_local(
    place: StartupSettings, config: Path | None = None, environ: Mapping[str, str] = os.environ
) -> LocalFile:
    """The receiver's local file, with what it leaves open filled in.

    Args:
        place: whose home holds `receiver.yaml`, where `config` names no other file.
        config: from the command line.
        environ: `NERVESYS_JOURNAL_URL` wins over the file's journal.

    Raises:
        SettingsError: the file is missing or wrong, or a secret cannot be read; with every mistake.
    """
    file = (config or place.home / FILE).absolute()
    if not file.is_file():
        raise SettingsError([SettingsProblem(str(file), "", "no such file; it says which drivers this receiver has")])
    local = load_file(FolderTree(file.parent), file.name, LocalFile)
    journal = _journal_of(environ) or local.journal or SecretStr(f"sqlite:///{place.journal}")
    key = "token_file"
    try:
        token = _long_enough(local.token or read_secret(place.secret("receiver_token")))
        key = "approvals.key_file"
        approvals = _with_approval_key(local.approvals, place)
    except ValueError as err:
        raise SettingsError([SettingsProblem(str(file), key, str(err))]) from None
    return local.model_copy(update={"journal": journal, "token": token, "approvals": approvals})


def check_peers(journal: SecretStr, peers: Sequence[str]) -> None:
    """Whether several receivers can share a journal: with one each, every alert would be acted on by each of them.

    Args:
        journal: its URL.
        peers: addresses of the other receivers.

    Raises:
        SettingsError: it is a file of this machine.
    """
    if peers and journal.get_secret_value().startswith("sqlite:"):
        problem = f"is SQLite, of this receiver alone; monitoring.yaml names {', '.join(peers)} too: name a PostgreSQL"
        raise SettingsError([SettingsProblem(FILE, "journal", problem)])


def _journal_of(environ: Mapping[str, str]) -> SecretStr | None:
    """The journal that a variable names.

    Raises:
        SettingsError: its value is no URL of a journal, or its file cannot be read.
    """
    problems: list[SettingsProblem] = []
    found = value_of(JOURNAL_VARIABLE, environ, problems)
    try:
        journal = _check_journal_url(SecretStr(found.value)) if found else None
    except ValueError as err:
        problems.append(SettingsProblem(JOURNAL_VARIABLE, "", str(err)))
    if problems:
        raise SettingsError(problems)
    return journal


def _with_approval_key(approvals: ApprovalSettings, place: StartupSettings) -> ApprovalSettings:
    """The settings with folder and key; an installation from before there were approvals has no key."""
    folder = Path(approvals.secrets_folder or place.secret(APPROVAL_KEY).parent).absolute()
    key = approvals.key
    if key is None and (folder / APPROVAL_KEY).exists():
        key = read_secret(folder / APPROVAL_KEY)
    return approvals.model_copy(update={"key": key and _long_enough(key), "secrets_folder": str(folder)})


def _long_enough(token: SecretStr) -> SecretStr:
    if len(token.get_secret_value()) < TOKEN_CHARACTERS:
        raise ValueError(f"a token has at least {TOKEN_CHARACTERS} characters; make one with: openssl rand -hex 20")
    return token

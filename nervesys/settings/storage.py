"""The three pillars that hold data: config/storage.yaml."""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from nervesys.contract.logs import Category
from nervesys.contract.paths import ENDS, PACKED, PathTemplate
from nervesys.contract.validation import text_form
from nervesys.plural import count
from nervesys.settings.section import SettingsSection
from nervesys.settings.urls import HttpUrl, PlainUrl
from nervesys.settings.variables import DATABASES


def _template(text: str) -> str:
    PathTemplate(text)
    return text


Template = Annotated[str, AfterValidator(_template)]
Days = Annotated[int, Field(ge=1)] | None
"""Days that something is kept; null keeps it for ever."""
EXPIRY_SPARE_DAYS = 30
"""Between the end of retention and the day on which a store deletes by itself."""


_NO_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(?:/|$)|^[-/.]|[/.]$|^$")
"""What `git check-ref-format --branch` refuses; a `:` or `*` would make two names, or a pattern, of it."""


def _branch(name: str) -> str:
    if _NO_BRANCH.search(name):
        raise ValueError("is not a valid name of a Git branch")
    return name


Branch = Annotated[str, AfterValidator(_branch)]


class StorePaths(SettingsSection):
    """Key templates of the store's areas (see `nervesys.contract.paths.FIELDS` for the places they may hold)."""

    agents: Template
    metrics: Template
    active_logs: Template
    active_traces: Template
    config_backups: Template
    shared: Template
    knowledge: Template
    workspaces: Template
    databases: Template
    vitality: Template
    documents: Template


class StoreAccessSettings(SettingsSection):
    """Credentials for one area of the store; each that is not given is the store's own."""

    bucket: str | None = None
    access_key: SecretStr | None = None
    secret_key: SecretStr | None = None


class ExpirySettings(SettingsSection):
    """Days after which a store that knows how deletes an object by itself; null where it never does."""

    active_logs: Days = None
    metrics: Days = None


class StoreSettings(SettingsSection):
    """The S3-compatible store.

    Attributes:
        databases: access to the area `databases`, apart from all else.
        logs: access to the areas `active_logs` and `active_traces`, likewise.
        endpoint: URL of the S3 API.
        expire_days: asked of the store at each upload, by Storj's own header; a safety net well beyond retention.
        concurrency: requests under way at once, in each area of an exporter.
        timeout_seconds: for connecting and for each read; a call, with its attempts, has three times that, and more for
            a large object, as long as 16 KiB/s arrive.
    """

    endpoint: PlainUrl
    region: str
    bucket: str
    access_key: SecretStr | None = None
    secret_key: SecretStr | None = None
    databases: StoreAccessSettings = StoreAccessSettings()
    logs: StoreAccessSettings = StoreAccessSettings()
    expire_days: ExpirySettings = ExpirySettings()
    paths: StorePaths
    concurrency: int = Field(ge=1, le=64)
    timeout_seconds: float = Field(gt=0)


class ArchivePaths(SettingsSection):
    """Path templates of the archive's areas."""

    logs: Template
    traces: Template
    damaged_logs: Template
    reports_daily: Template
    reports_weekly: Template
    reports_monthly: Template
    backups: Template
    backup_packs: Template
    backup_manifests: Template
    documents: Template


class ArchiveSettings(SettingsSection):
    """The archive.

    Attributes:
        url: `file:///path` or `gdrive://FOLDER_ID`.
        folder_id: Drive folder, where the url names none.
        service_account_json: path of a service account's key file, or the JSON itself.
        api_url: another Drive API, such as an emulator's; None for Google's.
        timeout_seconds: for each request.
    """

    url: str | None = None
    folder_id: str | None = None
    service_account_json: SecretStr | None = None
    api_url: HttpUrl | None = None
    paths: ArchivePaths
    timeout_seconds: float = Field(gt=0)

    @property
    def is_configured(self) -> bool:
        """Whether there is an archive."""
        return bool(self.url or self.folder_id)


class BrainSettings(SettingsSection):
    """What is read from and written to the brain's repository.

    Attributes:
        branch: configuration is read from it only.
        state_branch: agents and programs write to it only.
        repository: `owner/name` on GitHub for what git lacks (rate limit, collaborators); None leaves that out.
        deployments: `owner/name` of repositories whose workflow runs are watched; the brain's own where there is none.
        api_url: GitHub's REST API.
        token: read-only for exporters.
        quota_floor: requests of the API's quota that are left for others.
        timeout_seconds: for each fetch, push and request.
    """

    branch: Branch
    state_branch: Branch
    repository: Annotated[str, text_form(r"[\w.-]+/[\w.-]+", "must be OWNER/NAME")] | None = None
    deployments: tuple[Annotated[str, text_form(r"[\w.-]+/[\w.-]+", "must be OWNER/NAME")], ...] = ()
    api_url: HttpUrl
    token: SecretStr | None = None
    quota_floor: int = Field(ge=0)
    timeout_seconds: float = Field(gt=0)

    @property
    def watched_repositories(self) -> tuple[str, ...]:
        """The repositories whose workflow runs are watched."""
        return self.deployments or ((self.repository,) if self.repository else ())


class Retention(SettingsSection):
    """Days that each area keeps; the one table against which everything called overdue counts."""

    active_logs: Days
    active_traces: Days
    metrics: Days
    config_backups: Days
    logs: dict[Category, Days]
    traces: Days
    backups: Days
    reports: Days
    documents: Days


LONGEST_OVERLAP_HOURS = 30 * 24
"""For which a secret that was replaced may still be accepted."""


class RoundSettings(SettingsSection):
    """The daily round.

    Attributes:
        delete_at_most: objects and files that retention may delete in one round; a wrong table or clock stops there.
        drill_days: between two restore drills of whoever does the round, which needs room for all of a backup; None
            leaves them to others.
        rotate_secrets_days: age from which secrets of ours in this machine's NERVESYS_HOME are replaced; None leaves
            that to people.
        secret_overlap_hours: for which a secret that was replaced is still accepted.
    """

    delete_at_most: int = Field(ge=0)
    drill_days: Days = None
    rotate_secrets_days: Days = None
    secret_overlap_hours: float = Field(gt=0, le=LONGEST_OVERLAP_HOURS)


OTHER_PARTS = ("brain", "configuration", "secrets", "journal", "artifacts", "archive_index")
"""Parts of a full backup that are no areas of the store."""


def _part(name: str) -> str:
    known = (*StorePaths.model_fields, *OTHER_PARTS)
    if name not in known:
        raise ValueError(f"no part of a full backup; there are: {', '.join(known)}")
    return name


class BackupSettings(SettingsSection):
    """Full backups.

    Attributes:
        leave_out: areas of the store, and other parts, that they do not contain.
    """

    leave_out: tuple[Annotated[str, AfterValidator(_part)], ...]


def _folder(path: str) -> str:
    if path.startswith("/") or ".." in path.split("/") or not path.strip("/"):
        raise ValueError("not a folder of the brain, such as docs")
    return path.strip("/")


class DocumentsSettings(SettingsSection):
    """Documents that the daily round copies to the store and to the archive.

    Attributes:
        folders: of the brain.
        reports: also copy the reports of the archive to the store, and to the documents of the archive.
    """

    folders: tuple[Annotated[str, AfterValidator(_folder)], ...]
    reports: bool


class WorkspaceSettings(SettingsSection):
    """Where agents keep what belongs to a project.

    Attributes:
        path: folder of all projects, from NERVESYS_HOME.
        project: for agents that name none.
        persistent: False keeps everything in memory, until the program ends.
        sync_minutes: between two copies of what is new to the store; None keeps none there.
        snapshot_days: after which snapshots of tasks and of the agent's end are deleted; None for never.
        snapshot_count: number of snapshots beyond which the oldest of these are deleted; None for no limit.
    """

    path: str
    project: str | None = None
    persistent: bool
    sync_minutes: float | None = Field(default=None, gt=0)
    snapshot_days: Days = None
    snapshot_count: int | None = Field(default=None, ge=1)


def _database(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith(DATABASES):
        raise ValueError("not a URL of a database, such as sqlite:////PATH/FILE or postgresql://USER@HOST/NAME")
    return url


DatabaseUrl = Annotated[SecretStr, AfterValidator(_database)]
"""Of SQLite or PostgreSQL; a secret, for it may hold a password."""


class ArtifactsSettings(SettingsSection):
    """Artifacts that agents share: contents are files, manifests are rows of a database.

    Attributes:
        files: a folder, from NERVESYS_HOME; `file:///path`; or `s3://BUCKET/PREFIX` on the server of the store.
        database: of the manifests; None for SQLite in NERVESYS_HOME.
        service: URL that agents call; None makes it from `listen.artifacts`.
        token: that an agent shows to the service; None for the file of its name among the tokens.
        tokens: folder, from NERVESYS_HOME, of one file each, named by its agent; `_admin` holds the administrator's.
        retry_seconds: between attempts, where the service is away; until then requests wait on the agent's disk.
        link_seconds: for which a signed URL opens a content, where nobody asks for another time.
        orphan_days: after which a file without a manifest may be deleted.
        upload_hours: after which what was not completed is given up.
        delete_at_most: artifacts and files that one run of `gc` deletes; a wrong table or clock stops there.
        agents: folder, from NERVESYS_HOME, of all agents' own folders, in which what waits is looked for.
        checkpoints: URLs of LangGraph's own databases, by a name of their own; they are only read.
    """

    files: str
    database: DatabaseUrl | None = None
    service: HttpUrl | None = None
    token: SecretStr | None = None
    tokens: str
    retry_seconds: tuple[Annotated[float, Field(ge=0)], ...]
    link_seconds: int = Field(ge=1, le=7 * 86_400)
    orphan_days: float = Field(gt=0)
    upload_hours: float = Field(gt=0)
    delete_at_most: int = Field(ge=0)
    agents: str
    checkpoints: dict[str, DatabaseUrl] = Field(default_factory=dict)


def _recipient(key: str) -> str:
    if not re.fullmatch("age1[02-9ac-hj-np-z]{58}", key):
        raise ValueError("not an age public key: age-keygen prints it, age1… and 58 characters")
    return key


def _identity(content: SecretStr) -> SecretStr:
    if "AGE-SECRET-KEY-1" not in content.get_secret_value():
        raise ValueError("not an age identity: age-keygen creates one, AGE-SECRET-KEY-1…")
    return content


class EncryptionSettings(SettingsSection):
    """Who alone reads what agents write to store and archive, by age (age-encryption.org).

    Attributes:
        recipients: public keys; without any, nothing is encrypted.
        between_agents: whether knowledge and contents of artifacts are encrypted too. Agents read these from each
            other, so each of them needs the identity.
        identity: the content of an identity file, for those who read; it may hold several.
    """

    recipients: tuple[Annotated[str, AfterValidator(_recipient)], ...] = ()
    between_agents: bool = False
    identity: Annotated[SecretStr, AfterValidator(_identity)] | None = None

    @property
    def shared_recipients(self) -> tuple[str, ...]:
        """The recipients of what agents read from each other; none unless `between_agents` is set."""
        return self.recipients if self.between_agents else ()


class Storage(SettingsSection):
    """config/storage.yaml, whole."""

    storj: StoreSettings
    archive: ArchiveSettings
    brain: BrainSettings
    encryption: EncryptionSettings
    workspace: WorkspaceSettings
    artifacts: ArtifactsSettings
    retention: Retention
    round: RoundSettings
    backup: BackupSettings
    documents: DocumentsSettings

    @model_validator(mode="after")
    def _expiry_is_late(self) -> Self:
        """What the store deletes was not archived, whatever the reason; people need time to notice."""
        for area in ("active_logs", "metrics"):
            expires, keeps = getattr(self.storj.expire_days, area), getattr(self.retention, area)
            if expires is not None and (keeps is None or expires < keeps + EXPIRY_SPARE_DAYS):
                kept = "for ever" if keeps is None else count(keeps, "day")
                raise ValueError(
                    f"storj.expire_days.{area} is {expires}: {area} are kept {kept}, "
                    f"and nothing may expire within {EXPIRY_SPARE_DAYS} days behind that"
                )
        return self

    @model_validator(mode="after")
    def _encrypted_paths_are_packed(self) -> Self:
        """The end of a packed key may be followed by `.age`; of others it would be part of a name."""
        warm, cold = self.storj.paths, self.archive.paths
        paths = (
            warm.active_logs,
            warm.active_traces,
            warm.config_backups,
            cold.logs,
            cold.traces,
            cold.backups,
            cold.backup_packs,
        )
        if self.encryption.recipients and (odd := [path for path in paths if not path.endswith(ENDS)]):
            raise ValueError(
                f"what is encrypted needs a path that ends in {' or '.join(PACKED)}, and {odd[0]} does not"
            )
        return self
